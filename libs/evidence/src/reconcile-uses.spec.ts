import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { HeardBreak, HeardUses } from '#audit';
import { type Book, reconcileUses, type ReconcilePorts, type Relation } from './reconcile-uses.js';

const KEY = 'ab'.repeat(32);

function heard(counted: number, over: Partial<HeardUses> = {}): HeardUses {
  return {
    counter: '0'.repeat(16),
    token: 'online',
    key: KEY,
    label: 'tsa',
    purpose: 'timestamp-token',
    counted: BigInt(counted),
    uncertain: 0n,
    failed: 0n,
    adrift: 0n,
    since: new Date(0),
    heardAt: new Date(0),
    ...over,
  };
}

function book(rows: number, relation: Relation = 'each'): Book {
  return { name: 'ledger', purpose: 'timestamp-token', relation, keys: [KEY], rows: BigInt(rows) };
}

async function compare(
  uses: readonly HeardUses[],
  books: readonly Book[],
  over: Partial<ReconcilePorts> & { readonly breaksOf?: readonly HeardBreak[] } = {},
) {
  return reconcileUses({
    count: () => Promise.resolve(uses),
    books: () => Promise.resolve(books),
    breaks: () => Promise.resolve(over.breaksOf ?? []),
    now: () => new Date(0),
    pause: () => Promise.resolve(),
    ...over,
  });
}

test.each<[string, Partial<HeardUses>, Book, string, bigint]>([
  ['what is booked as counted', {}, book(10), 'agrees', 0n],
  ['a signature that no book holds', {}, book(9), 'finding', 1n],
  ['a row that was never counted', {}, book(11), 'finding', -1n],
  ['rows within the blocks of a crash', { uncertain: 4n }, book(6), 'explained', 0n],
  ['fewer rows than a crash explains', { uncertain: 4n }, book(5), 'finding', 1n],
  ['attempts that failed', { failed: 3n }, book(7), 'explained', 0n],
  ['signatures of a process that died', { adrift: 2n }, book(8), 'explained', 0n],
  ['more than went adrift', { adrift: 2n }, book(7), 'finding', 1n],
  ['intents that were not carried out', {}, book(12, 'intents'), 'explained', 0n],
  ['a signature without an intent', {}, book(9, 'intents'), 'finding', 1n],
  ['promises that were repeated', {}, book(7, 'repeats'), 'explained', 0n],
  ['leaves without a promise', {}, book(11, 'repeats'), 'finding', -1n],
])('%s', async (_what, over, one, verdict, residual) => {
  const { rows, findings } = await compare([heard(10, over)], [one]);
  expect(rows).toMatchObject([{ verdict, residual }]);
  expect(findings).toBe(verdict === 'finding' ? 1 : 0);
});

test('the counts of several hosts add up', async () => {
  const { rows } = await compare(
    [heard(10), heard(5, { counter: '1'.repeat(16), uncertain: 1n })],
    [book(14)],
  );
  expect(rows).toMatchObject([{ atLeast: 14n, atMost: 15n, verdict: 'explained' }]);
});

test('what is under way is waited for, and what is counted meanwhile is no finding', async () => {
  const counts = [[heard(10)], [heard(30)]];
  const books = [[book(8)], [book(9)], [book(25)]];
  const { rows } = await compare([], [], {
    count: () => Promise.resolve(counts.shift() ?? []),
    books: () => Promise.resolve(books.shift() ?? []),
  });
  expect(rows).toMatchObject([{ atLeast: 10n, atMost: 30n, booked: 25n, verdict: 'explained' }]);
});

test('what is never booked is a finding, however long it is waited for', async () => {
  let pauses = 0;
  const { findings } = await compare([heard(10)], [book(9)], {
    pause: () => Promise.resolve(void (pauses += 1)),
  });
  expect([findings, pauses]).toEqual([1, 4]);
});

describe('a break', () => {
  const at = new Date(0);
  test('that says that counting began late explains older rows', async () => {
    const breaksOf = [{ counter: 'c', at, reason: 'late: keys had signed before' }];
    const { rows, findings } = await compare([heard(10)], [book(40)], { breaksOf });
    expect([rows[0]?.verdict, findings]).toEqual(['explained', 0]);
  });

  test.each(['lost: the file is gone', 'taken-back: the file said 3'])('is a finding: %s', async (reason) => {
    const { findings } = await compare([heard(10)], [book(10)], { breaksOf: [{ counter: 'c', at, reason }] });
    expect(findings).toBe(1);
  });
});

test('a key that is in no book and signs what only ours sign is a finding; proofs of keys are not', async () => {
  const { rows, findings } = await compare(
    [heard(3, { key: 'cd'.repeat(32), purpose: 'certificate' }), heard(2, { purpose: 'trial' })],
    [],
  );
  expect(rows.map(({ purpose, verdict }) => [purpose, verdict])).toEqual([
    ['certificate', 'finding'],
    ['trial', 'not booked'],
  ]);
  expect(findings).toBe(1);
});

test('whatever crashed, failed or went adrift: a finding exactly where no course of events leads to the book', async () => {
  const figure = fc.integer({ min: 0, max: 20 });
  await fc.assert(
    fc.asyncProperty(
      figure,
      figure,
      figure,
      figure,
      figure,
      async (sure, uncertain, failed, adrift, rows) => {
        const lost = Math.min(adrift, sure);
        const counted = sure + uncertain + failed;
        const uses = [
          heard(counted, { uncertain: BigInt(uncertain), failed: BigInt(failed), adrift: BigInt(lost) }),
        ];
        const { findings } = await compare(uses, [book(rows)]);
        expect(findings).toBe(rows >= sure - lost && rows <= counted ? 0 : 1);
      },
    ),
    { numRuns: 1000 },
  );
});
