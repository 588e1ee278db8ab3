import { expect, test } from '@jest/globals';
import { GivenOut } from './given-out.js';

const use = () => ({ failed: 0, adrift: 0 });

test('remembers what was given in the last seconds, and forgets the rest', () => {
  let now = 0;
  const given = new GivenOut(() => now);
  const [one, two] = [use(), use()];
  given.note(one);
  given.note(one);
  now = 4000;
  given.note(two);
  expect([...given.unsure()]).toEqual([
    [one, 2],
    [two, 1],
  ]);
  now = 6000;
  given.note(two);
  expect(given.unsure().get(two)).toBe(2);
  now = 11_000;
  expect([...given.unsure()]).toEqual([[two, 1]]);
  now = 30_000;
  expect(given.unsure().size).toBe(0);
});
