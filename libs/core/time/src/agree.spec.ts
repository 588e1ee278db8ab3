import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { agree, type TimeInterval } from './agree.js';

const clock = (name: string, at: number, error: number): TimeInterval => ({
  name,
  low: at - error,
  high: at + error,
});

/** Honest clocks hold the truth, 0, within their bounds. */
const honest = fc
  .record({
    error: fc.double({ min: 0.01, max: 500, noNaN: true }),
    share: fc.double({ min: -1, max: 1, noNaN: true }),
  })
  .map(({ error, share }) => clock('honest', error * share, error));
const anyClock = fc
  .record({
    at: fc.double({ min: -1e6, max: 1e6, noNaN: true }),
    error: fc.double({ min: 0, max: 1000, noNaN: true }),
  })
  .map(({ at, error }) => clock('any', at, error));
const named = (all: readonly TimeInterval[]): TimeInterval[] =>
  all.map((one, at) => ({ ...one, name: `${one.name}-${at}` }));

describe('clocks agree', () => {
  test('where their intervals meet, and the truth is where they overlap', () => {
    const verdict = agree([clock('a', 10, 5), clock('b', 18, 5), clock('liar', 9000, 5)], 2, 0);
    expect(verdict).toEqual({ agreed: { at: 14, error: 1 }, members: ['a', 'b'], contradicting: ['liar'] });
  });

  test('where they miss each other by no more than the tolerance, with an error as wide as the gap', () => {
    const two = [clock('a', 0, 1), clock('b', 10, 1)];
    expect(agree(two, 2, 8).agreed).toEqual({ at: 5, error: 4 });
    expect(agree(two, 2, 7.9)).toEqual({ members: [], contradicting: ['a', 'b'] });
  });

  test.each([
    ['nobody answers', [], []],
    ['one answers', [clock('a', 0, 1)], []],
    ['two say two times', [clock('a', 0, 1), clock('b', 50, 1)], ['a', 'b']],
    [
      'two stand against two',
      [clock('a', 0, 1), clock('b', 0, 1), clock('c', 50, 1), clock('d', 50, 1)],
      ['a', 'b', 'c', 'd'],
    ],
    [
      'two of five agree, which is no majority',
      [0, 0, 50, 90, 130].map((at, n) => clock(`c${n}`, at, 1)),
      ['c0', 'c1', 'c2', 'c3', 'c4'],
    ],
    ['a clock has no bounds', [clock('a', 0, 1), clock('b', Number.NaN, 1)], ['a', 'b']],
  ])('never when %s', (_why, all, contradicting) => {
    expect(agree(all, 2, 5)).toEqual({ members: [], contradicting });
  });

  test('on the truth, if a majority is honest and liars are far away', () => {
    fc.assert(
      fc.property(
        fc.array(honest, { minLength: 2, maxLength: 6 }),
        fc.array(fc.double({ min: 2000, max: 1e9, noNaN: true }), { maxLength: 5 }),
        (truthful, lies) => {
          const liars = lies.slice(0, truthful.length - 1).map((at) => clock('liar', at, 100));
          const { agreed, members } = agree(named([...liars, ...truthful]), 2, 0);
          expect(members.filter((name) => name.startsWith('honest'))).toHaveLength(truthful.length);
          expect(members).toHaveLength(truthful.length);
          expect(Math.abs(agreed?.at ?? Number.NaN)).toBeLessThanOrEqual((agreed?.error ?? 0) + 1e-9);
        },
      ),
    );
  });

  test('or not, whatever their order, and never fewer than the minimum or than a majority', () => {
    fc.assert(
      fc.property(
        fc.array(anyClock, { maxLength: 7 }).map(named),
        fc.integer({ min: 1, max: 4 }),
        fc.double({ min: 0, max: 2000, noNaN: true }),
        (all, minimum, tolerance) => {
          const verdict = agree(all, minimum, tolerance);
          const reversed = agree(all.toReversed(), minimum, tolerance);
          expect(reversed.agreed).toEqual(verdict.agreed);
          expect(reversed.members.toSorted()).toEqual(verdict.members.toSorted());
          if (verdict.agreed === undefined) return;
          expect(verdict.members.length).toBeGreaterThanOrEqual(minimum);
          expect(verdict.members.length * 2).toBeGreaterThan(all.length);
          const group = all.filter(({ name }) => verdict.members.includes(name));
          for (const one of group)
            for (const other of group) expect(one.low - other.high).toBeLessThanOrEqual(tolerance + 1e-6);
        },
      ),
    );
  });
});
