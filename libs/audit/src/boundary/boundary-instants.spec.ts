import { expect, test } from '@jest/globals';
import { boundaryAt, instant, kindsOf } from './boundary-instants.js';

test.each([
  ['2026-11-21T10:59:59.999Z', '2026-11-21T10:00:00Z', ['hour']],
  ['2026-11-21T11:00:00.000Z', '2026-11-21T11:00:00Z', ['hour']],
  ['2026-11-22T00:00:00.000Z', '2026-11-22T00:00:00Z', ['hour', 'day']],
  ['2026-12-01T00:30:00.000Z', '2026-12-01T00:00:00Z', ['hour', 'day', 'month']],
  ['2028-03-01T00:00:00.000Z', '2028-03-01T00:00:00Z', ['hour', 'day', 'month']],
])('at %s the boundary is %s: %j', (now, due, kinds) => {
  const dueMs = boundaryAt(Date.parse(now));
  expect(instant(dueMs)).toBe(due);
  expect(kindsOf(dueMs)).toEqual(kinds);
});
