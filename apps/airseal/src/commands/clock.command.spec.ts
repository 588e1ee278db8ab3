import { expect, test } from '@jest/globals';
import { readInstant } from './clock.command.js';

test.each([
  ['2026-11-22T08:30:00Z', '2026-11-22T08:30:00.000Z'],
  ['2026-11-22T08:30:00.25Z', '2026-11-22T08:30:00.250Z'],
  ['2026-11-22T08:30:00+01:00', '2026-11-22T07:30:00.000Z'],
])('%s is the instant %s', (text, instant) => {
  expect(readInstant(text).toISOString()).toBe(instant);
});

test.each([
  '2026-11-22T08:30:00',
  '2026-11-22 08:30:00',
  '2026-11-22',
  '08:30',
  '8',
  '2026-11-22T25:00:00Z',
  '',
])('%j is refused: nobody can say which instant was meant', (text) => {
  expect(() => readInstant(text)).toThrow(expect.objectContaining({ code: 'cli/time' }));
});
