import { expect, test } from '@jest/globals';
import { floorWith } from './open-time.js';

const NOW_MS = Date.UTC(2026, 10, 22);
const DAY_MS = 86_400_000;

test.each([
  ['the newer of database and journal', NOW_MS - 5000, NOW_MS - 4000, NOW_MS, NOW_MS - 4000],
  [
    'the journal of a database that was taken back',
    NOW_MS - 90 * DAY_MS,
    NOW_MS - 4000,
    NOW_MS,
    NOW_MS - 4000,
  ],
  ['the database, where the journal is older', NOW_MS - 5000, NOW_MS - 6000, NOW_MS, NOW_MS - 5000],
  ['both, also when the clock was set back', NOW_MS, NOW_MS + 1000, NOW_MS - DAY_MS, NOW_MS + 1000],
  [
    'no journal of a clock that was ten years ahead',
    NOW_MS - 5000,
    NOW_MS + 3653 * DAY_MS,
    NOW_MS,
    NOW_MS - 5000,
  ],
  ['a journal alone', undefined, NOW_MS - 4000, NOW_MS, NOW_MS - 4000],
  ['nothing, where nothing was signed', undefined, undefined, NOW_MS, undefined],
])('the floor is %s', (_what, storedMs, journalMs, nowMs, floorMs) => {
  expect(floorWith(storedMs, journalMs, nowMs)).toBe(floorMs);
});
