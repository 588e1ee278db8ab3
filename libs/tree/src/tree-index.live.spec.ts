/** Search keys and attachments of a tree: written with the leaf or not at all, and read page by page. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { sha256 } from '#core/crypto';
import { fromUtf8 } from '#core/octets';
import { freshTrees, noteFormat, type FreshTrees, type Replica } from '../../../test/kit/fresh-trees.js';
import { softwareSigner } from '../../../test/kit/software-signer.js';
import type { NewLeaf, Tree } from './index.js';

const LEAVES = 60;
const keysOf = (at: number): string[] => ['all', `mod 3 ${at % 3}`, `mod 5 ${at % 5}`, `only ${at}`];

let world: FreshTrees;
let replica: Replica;
let tree: Tree;
/** Fails the batch between its last write and COMMIT. */
let failing = false;

beforeAll(async () => {
  world = await freshTrees();
  replica = await world.replica({
    barrier: (step) => {
      if (failing && step === 'copied') throw new Error('the power went');
    },
  });
  const signer = softwareSigner('index');
  tree = await replica.trees.open({
    name: 'spec/index',
    origin: 'index.test',
    format: noteFormat('index.test', signer),
  });
  for (let at = 0; at < LEAVES; at++) await tree.append(leaf(at));
});
afterAll(() => world.drop());

function leaf(at: number, attachment?: string): NewLeaf {
  return {
    body: fromUtf8(`leaf ${at} with trace ${at % 7}`),
    kind: 'spec/1',
    searchKeys: keysOf(at),
    ...(attachment === undefined
      ? {}
      : { attachment: { digest: sha256(fromUtf8(attachment)), octets: fromUtf8(attachment) } }),
  };
}

async function rowsOf(table: string): Promise<number> {
  const { rows } = await replica.pool.query<{ n: string }>(`SELECT count(*) AS n FROM ${table}`);
  return Number(rows[0]?.n);
}

describe('search keys', () => {
  test('lead to the same leaves in pages of any size, with any bound on the work', async () => {
    const word = fc.constantFrom('all', 'mod 3 0', 'mod 3 1', 'mod 5 2', 'mod 5 4', 'only 7', 'nowhere');
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(word, { maxLength: 3 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 9 }),
        fc.nat(LEAVES),
        fc.nat(LEAVES),
        async (keys, limit, effort, start, end) => {
          const found: bigint[] = [];
          let next: bigint | undefined = BigInt(start);
          while (next !== undefined) {
            const page = await tree.index.page(keys, next, BigInt(end), { limit, effort });
            expect(page.indexes.length).toBeLessThanOrEqual(limit);
            // No more than is needed where nothing can be looked at in vain.
            expect(page.looked).toBeLessThanOrEqual(new Set(keys).size < 2 ? limit : effort);
            found.push(...page.indexes);
            next = page.next;
          }
          const expected = Array.from({ length: LEAVES }, (_, at) => at).filter(
            (at) => at >= start && at < end && keys.every((key) => keysOf(at).includes(key)),
          );
          expect(found).toEqual(expected.map(BigInt));
        },
      ),
      { numRuns: 60 },
    );
  });

  test('are counted below a size, and leaves are found by what they hold', async () => {
    expect(await tree.index.count('mod 3 0', 10n)).toBe(4n);
    expect(await tree.index.count('nowhere', 60n)).toBe(0n);
    const bounds = { limit: 100, effort: 1000 };
    const held = await tree.index.holding(['mod 3 0', 'mod 5 2'], [fromUtf8('trace 6')], 60n, bounds);
    expect(held.map(({ index }) => Number(index))).toEqual(
      Array.from({ length: LEAVES }, (_, at) => at).filter(
        (at) => at % 7 === 6 && (at % 3 === 0 || at % 5 === 2),
      ),
    );
    expect(await tree.index.holding(['all'], [fromUtf8('trace 9')], 60n, bounds)).toEqual([]);
  });

  test('give the range of an instant: nothing before it is stamped later', async () => {
    const leaves = await tree.leaves(0n, 60n);
    for (const at of [0, 1, 17, 59]) {
      const ms = leaves[at]?.timestampMs ?? 0n;
      const first = leaves.findIndex(({ timestampMs }) => timestampMs >= ms);
      expect(await tree.index.firstStampedAt(ms, 60n)).toBe(BigInt(first));
    }
    expect(await tree.index.firstStampedAt(0n, 60n)).toBe(0n);
    expect(await tree.index.firstStampedAt(1n << 50n, 60n)).toBe(60n);
    expect(await tree.index.checkpointAt(tree.size)).toBe(tree.head().note);
    expect(await tree.index.checkpointAt(1n << 40n)).toBeUndefined();
  });
});

describe('an attachment', () => {
  test('is there with its leaf and its keys, or none of them is', async () => {
    const before = [await rowsOf('log_leaf'), await rowsOf('log_index'), await rowsOf('log_attachment')];
    failing = true;
    await expect(tree.append(leaf(LEAVES, 'envelope'))).rejects.toThrow();
    expect([await rowsOf('log_leaf'), await rowsOf('log_index'), await rowsOf('log_attachment')]).toEqual(
      before,
    );
    failing = false;
    const { index } = await tree.append(leaf(LEAVES, 'envelope'));
    const [kept] = await tree.attachments.read([index]);
    expect(new TextDecoder().decode(kept?.octets)).toBe('envelope');
    const digest = sha256(fromUtf8('envelope'));
    expect(await tree.attachments.byDigest(digest, index, 10)).toEqual([]);
    expect(await tree.attachments.byDigest(digest, index + 1n, 10)).toHaveLength(1);
    expect(await tree.attachments.countDeposited(digest)).toBe(0);
  });
});
