/** Trees of every size that matters, damage anywhere, and checks that are interrupted anywhere. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { asSuperuser } from '../../../../test/kit/index.js';
import { freshTrees, noteFormat, type FreshTrees, type Replica } from '../../../../test/kit/fresh-trees.js';
import { generateTree } from '../../../../test/kit/generated-tree.js';
import { softwareSigner } from '../../../../test/kit/software-signer.js';
import { formatState, parseState } from './check-state.js';
import { checkWholeTree, ownRunner, type CheckState, type TreeReport } from './check-whole-tree.js';
import type { TreeUnderCheck } from './check-leaves.js';
import { formatPlace } from './finding.js';

const SIZE = 3000;
const format = noteFormat('log.test', softwareSigner());
let world: FreshTrees;
let replica: Replica;

beforeAll(async () => {
  world = await freshTrees();
  replica = await world.replica();
});
afterAll(() => world.drop());

const unguarded = (sql: string) => asSuperuser(world.database, `SET session_replication_role = replica; ${sql}`);

async function generated(name: string, size: number): Promise<TreeUnderCheck> {
  const tree = await replica.trees.open({ name, origin: name, format });
  await generateTree(world.database, replica.pool, tree.shard, size);
  return { name, shard: tree.shard, rules: { verifyCheckpoint: format.verify } };
}

interface How {
  readonly state?: CheckState | undefined;
  readonly rangeLeaves?: bigint;
  readonly from?: bigint;
  /** Stop after so many ranges. */
  readonly ranges?: number;
}

async function run(tree: TreeUnderCheck, { state, rangeLeaves, ranges, from }: How = {}) {
  const stop = new AbortController();
  let left = ranges ?? Number.POSITIVE_INFINITY;
  let reached: CheckState | undefined = state;
  const report = await checkWholeTree({
    pool: replica.pool,
    tree,
    runner: ownRunner(replica.pool, tree),
    claims: () => Promise.resolve([]),
    state,
    from,
    rangeLeaves,
    signal: stop.signal,
    reached: async (now) => {
      // As it is written to a file and read back.
      reached = parseState(JSON.parse(JSON.stringify(formatState(now))));
      if (--left === 0) stop.abort();
      return Promise.resolve();
    },
  });
  return { report, reached };
}

/** Octets by their digits: a view of a row and a copy of a file are the same octets. */
function comparable({ head, checkpoint, ...report }: TreeReport) {
  const spelt = (one: TreeReport['head']) =>
    one === undefined ? undefined : { ...one, root: Buffer.from(one.root).toString('hex') };
  return { ...report, head: spelt(head), checkpoint: spelt(checkpoint) };
}

function places({ found }: TreeReport): string[] {
  return found.kept.map(formatPlace);
}

describe('case 57: a tree of', () => {
  test.each([0, 1, 255, 256, 257, 65_535, 65_536, 65_537])('%d leaves is derived whole', async (size) => {
    const tree = await generated(`test/size-${size}`, size);
    const { report } = await run(tree, { rangeLeaves: 16_384n });
    expect(places(report)).toEqual([]);
    expect({ to: report.to, interrupted: report.interrupted }).toEqual({ to: BigInt(size), interrupted: false });
    if (size === 0) return;
    const last = size - 1;
    await unguarded(`UPDATE log_leaf SET body = body || 'x' WHERE shard = ${tree.shard} AND idx = ${last}`);
    expect(places((await run(tree)).report)).toEqual([`leaf/body: leaf ${last}, column body`]);
  });
});

describe('one damage anywhere', () => {
  let tree: TreeUnderCheck;
  beforeAll(async () => {
    tree = await generated('test/damaged', SIZE);
  });
  const at = fc.integer({ min: 0, max: SIZE - 1 });
  const flip = (column: string, octet: number) =>
    `${column} = set_byte(${column}, ${octet}, get_byte(${column}, ${octet}) # 1)`;
  const damages = fc.oneof(
    fc.tuple(at, fc.integer({ min: 0, max: 40 })).map(([index, octet]) => ({
      sql: `UPDATE log_leaf SET ${flip('body', octet)} WHERE idx = ${index}`,
      undo: undefined,
      place: `leaf/body: leaf ${index}, column body`,
    })),
    fc.tuple(at, fc.integer({ min: 0, max: 31 })).map(([index, octet]) => ({
      sql: `UPDATE log_leaf SET ${flip('leaf_hash', octet)} WHERE idx = ${index}`,
      undo: undefined,
      place: `leaf/hash: leaf ${index}, column leaf_hash`,
    })),
    fc.tuple(at, fc.integer({ min: 0, max: 31 })).map(([index, octet]) => ({
      sql: `UPDATE log_tile SET ${flip('data', (index % 256) * 32 + octet)} WHERE level = 0 AND n = ${Math.floor(index / 256)}`,
      undo: undefined,
      place: `tile/hash: tile 0/${Math.floor(index / 256)}, number ${index % 256}, column data`,
    })),
    fc.integer({ min: 0, max: Math.floor(SIZE / 256) - 1 }).map((entry) => ({
      sql: `UPDATE log_tile SET ${flip('data', entry * 32 + 7)} WHERE level = 1`,
      undo: undefined,
      place: `tile/hash: tile 1/0, number ${entry}, column data`,
    })),
    at.map((index) => ({
      sql: `CREATE TABLE kept AS SELECT * FROM log_leaf WHERE shard = SHARD AND idx = ${index}; DELETE FROM log_leaf WHERE idx = ${index}`,
      undo: 'INSERT INTO log_leaf TABLE kept; DROP TABLE kept',
      place: `leaf/missing: leaf ${index}`,
    })),
  );

  test('is found at its place and nowhere else, whole or interrupted and taken up again', async () => {
    const ofTree = (sql: string) =>
      unguarded(sql.replaceAll('SHARD', `${tree.shard}`).replaceAll(/WHERE (?!shard)/g, `WHERE shard = ${tree.shard} AND `));
    await fc.assert(
      fc.asyncProperty(damages, fc.integer({ min: 1, max: 11 }), async ({ sql, undo, place }, ranges) => {
        await ofTree(sql);
        try {
          const whole = (await run(tree)).report;
          expect(places(whole)).toEqual([place]);
          const first = await run(tree, { rangeLeaves: 256n, ranges });
          expect(first.report).toMatchObject({ interrupted: true, to: BigInt(ranges) * 256n });
          const second = await run(tree, { rangeLeaves: 512n, state: first.reached });
          expect(comparable(second.report)).toEqual(comparable(whole));
        } finally {
          await ofTree(undo ?? sql);
        }
      }),
      { numRuns: 25 },
    );
    expect(places((await run(tree)).report)).toEqual([]);
  }, 120_000);

  test('before the place where it goes on, the database is not asked again', async () => {
    const first = await run(tree, { rangeLeaves: 256n, ranges: 4 });
    await unguarded(`CREATE TABLE kept AS SELECT * FROM log_leaf WHERE shard = ${tree.shard} AND idx = 5;
      UPDATE log_leaf SET leaf_hash = sha256('x'), body = 'y' WHERE shard = ${tree.shard} AND idx = 5`);
    // The root is still the one that was stored, whatever the rows of what was verified say by now.
    expect(places((await run(tree, { state: first.reached })).report)).not.toContain('head/root: size 3000, column root');
    await unguarded(`DELETE FROM log_leaf WHERE shard = ${tree.shard} AND idx = 5;
      INSERT INTO log_leaf TABLE kept; DROP TABLE kept`);
    expect(places((await run(tree)).report)).toEqual([]);
  });

  test('another frontier than the one that was derived does not lead to the root', async () => {
    const { reached } = await run(tree, { rangeLeaves: 1024n, ranges: 1 });
    if (reached === undefined) throw new Error('nothing was reached');
    const place = { ...reached.place, frontier: [new Uint8Array(32).fill(7)] };
    expect(places((await run(tree, { state: { ...reached, place } })).report)).toEqual([
      `head/root: size ${SIZE}, column root`,
    ]);
  });

  test('from a later leaf, what lies before is believed, and the report says so', async () => {
    const { report } = await run(tree, { from: 1500n });
    expect({ from: report.from, to: report.to, places: places(report) }).toEqual({
      from: 1280n,
      to: BigInt(SIZE),
      places: [],
    });
  });
});
