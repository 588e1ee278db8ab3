/** The slow check and the sample at the start, on real rows, on two replicas. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PoolClient } from 'pg';
import { isFault } from '#core/fault';
import { fromUtf8 } from '#core/octets';
import { HeldClock } from '#platform';
import type { Tree, TreeSpec } from '#tree';
import { asSuperuser } from '../../../../test/kit/index.js';
import {
  freshTrees,
  noteFormat,
  quietLogger,
  type FreshTrees,
  type Replica,
} from '../../../../test/kit/fresh-trees.js';
import { softwareSigner } from '../../../../test/kit/software-signer.js';
import { ContinuousCheck } from './continuous-check.js';
import { formatPlace, type Finding } from './finding.js';
import type { Coverage } from './verification-store.js';

const HOUR_MS = 3_600_000;
const format = noteFormat('log.test', softwareSigner());
const spec: TreeSpec = { name: 'test/a', origin: 'log.test', format, rules: { searchable: true } };
let world: FreshTrees;
let clock: HeldClock;

beforeEach(async () => {
  world = await freshTrees();
  clock = new HeldClock(1_800_000_000_000);
});
afterEach(() => world.drop());

const unguarded = (sql: string) =>
  asSuperuser(world.database, `SET session_replication_role = replica; ${sql}`);
const flip = (column: string, at: number) =>
  `${column} = set_byte(${column}, ${at}, get_byte(${column}, ${at}) # 1)`;

async function grow(tree: Tree, from: number, to: number): Promise<void> {
  await Promise.all(
    Array.from({ length: to - from }, (_, at) =>
      tree.append({ body: fromUtf8(`leaf ${from + at}`), kind: 'test/1', searchKeys: ['key'] }),
    ),
  );
}

interface Watch {
  readonly check: ContinuousCheck;
  readonly recorded: { readonly tree: string; readonly place: string; readonly stops: boolean }[];
}

function watch(replica: Replica, record?: (client: PoolClient, finding: Finding) => Promise<void>): Watch {
  const recorded: Watch['recorded'] = [];
  const check = new ContinuousCheck({
    pool: replica.pool,
    trees: () => replica.trees.watched(),
    leavesPerSecond: 1000,
    everyMs: 24 * HOUR_MS,
    clock,
    logger: quietLogger,
    record: async (client, tree, finding, stops) => {
      await record?.(client, finding);
      recorded.push({ tree, place: formatPlace(finding), stops });
    },
    covered: () => undefined,
  });
  return { check, recorded };
}

function only(coverage: readonly Coverage[]): Coverage {
  const [one] = coverage;
  if (one === undefined) throw new Error('nothing is covered');
  return one;
}

describe('the slow check', () => {
  test('goes on where it stopped, on whichever replica, and says how far it is since when', async () => {
    const [one, two] = [await world.replica(), await world.replica()];
    const tree = await one.trees.open(spec);
    await two.trees.open(spec);
    await grow(tree, 0, 1000);
    const [left, right] = [watch(one), watch(two)];
    expect(await left.check.turn(512)).toBe(512);
    expect(only(left.check.coverage)).toMatchObject({
      running: true,
      verified: 512n,
      until: 1000n,
      fullPasses: 0n,
    });
    clock.advance(60_000);
    expect(await right.check.turn(256)).toBe(256);
    expect(only(right.check.coverage)).toMatchObject({ verified: 768n, startedMs: 1_800_000_000_000 });
    await grow(tree, 1000, 1300);
    // The pass ends where the head was when it began.
    await left.check.turn(4096);
    expect(only(left.check.coverage)).toMatchObject({
      running: false,
      verified: 1000n,
      fullPasses: 1n,
      full: { size: 1000n, startedMs: 1_800_000_000_000, endedMs: 1_800_000_060_000 },
      faults: [],
    });
    expect(await right.check.turn(4096)).toBe(0);
    clock.advance(24 * HOUR_MS);
    await right.check.turn(4096);
    expect(only(right.check.coverage)).toMatchObject({ fullPasses: 2n, verified: 1300n });
    expect([...left.recorded, ...right.recorded]).toEqual([]);
  });

  test('two replicas that look at once read each tile once', async () => {
    const [one, two] = [await world.replica(), await world.replica()];
    await grow(await one.trees.open(spec), 0, 1024);
    await two.trees.open(spec);
    const read = await Promise.all([watch(one).check.turn(4096), watch(two).check.turn(4096)]);
    expect(read[0] + read[1]).toBe(1024);
  });

  test('raises the alarm for a body of the past, once, and goes on signing', async () => {
    const replica = await world.replica();
    const tree = await replica.trees.open(spec);
    await grow(tree, 0, 600);
    await unguarded(`UPDATE log_leaf SET ${flip('body', 2)} WHERE idx = 77`);
    const { check, recorded } = watch(replica);
    await check.turn(4096);
    expect(recorded).toEqual([{ tree: 'test/a', place: 'leaf/body: leaf 77, column body', stops: false }]);
    expect(tree.quarantine).toBeUndefined();
    await grow(tree, 600, 601);
    clock.advance(24 * HOUR_MS);
    await check.turn(4096);
    expect(recorded).toHaveLength(1);
    expect(only(check.coverage).faults.map(({ place }) => place)).toEqual([
      'leaf/body: leaf 77, column body',
    ]);
    // Mended, and seen to be: over with the end of the next pass.
    await unguarded(`UPDATE log_leaf SET ${flip('body', 2)} WHERE idx = 77`);
    clock.advance(24 * HOUR_MS);
    await check.turn(4096);
    expect(only(check.coverage).faults).toEqual([]);
  });

  test('case 53: a tile that is wrong stops the log, on every replica, and after a restart', async () => {
    const [one, two] = [await world.replica(), await world.replica()];
    const [left, right] = [await one.trees.open(spec), await two.trees.open(spec)];
    await grow(left, 0, 1000);
    await unguarded(`UPDATE log_tile SET ${flip('data', 32 * 9)} WHERE level = 0 AND n = 2`);
    const { check, recorded } = watch(one);
    await check.turn(4096);
    expect(recorded).toEqual([
      { tree: 'test/a', place: 'tile/hash: tile 0/2, number 9, column data', stops: true },
    ]);
    expect(left.quarantine?.code).toBe('tree/verification-failed');
    expect(left.quarantine?.message).toContain('tile 0/2, number 9');
    await expect(left.append({ body: fromUtf8('x'), kind: 'test/1' })).rejects.toThrow();
    await watch(two).check.turn(256);
    expect(right.quarantine?.code).toBe('tree/verification-failed');
    // The tile is mended behind everybody's back: nothing is signed before a whole pass has been over it.
    await unguarded(`UPDATE log_tile SET ${flip('data', 32 * 9)} WHERE level = 0 AND n = 2`);
    // Nor at the start, although a checkpoint is missing there.
    await unguarded('DELETE FROM log_checkpoint');
    const third = await world.replica();
    const again = await third.trees.open(spec);
    expect(again.quarantine?.code).toBe('tree/verification-failed');
    expect(await asSuperuser(world.database, 'SELECT count(*) FROM log_checkpoint')).toBe('0');
    const after = watch(third).check;
    await after.look();
    expect(again.quarantine?.code).toBe('tree/verification-failed');
    clock.advance(24 * HOUR_MS);
    await after.turn(4096);
    const fourth = await (await world.replica()).trees.open(spec);
    await watch(third).check.look();
    expect(fourth.quarantine).toBeUndefined();
  });

  test('case 53: a tile that is wrong stops a log that waits for a head as well, and no adoption starts it', async () => {
    const [one, two] = [await world.replica(), await world.replica()];
    const tree = await one.trees.open(spec);
    await grow(tree, 0, 300);
    const memory = { announce: () => Promise.resolve({ open: false }), adopt: () => Promise.resolve() };
    const waiting = await two.trees.open({ ...spec, format: { ...format, memory } });
    expect(waiting.quarantine?.code).toBe('tree/no-journal');
    await unguarded(`UPDATE log_tile SET ${flip('data', 32 * 9)} WHERE level = 0 AND n = 0`);
    await watch(one).check.turn(4096);
    // Noted by another replica, and not heard of yet.
    await expect(waiting.adopt(tree.head())).rejects.toMatchObject({ code: 'tree/verification-failed' });
    await watch(two).check.look();
    expect(waiting.quarantine?.code).toBe('tree/verification-failed');
    await expect(two.trees.adopt(tree.head())).rejects.toMatchObject({ code: 'tree/not-waiting' });
  });

  test('case 53: a leaf under the growing tile stops the log, before its bundle is published', async () => {
    const replica = await world.replica();
    const tree = await replica.trees.open(spec);
    await grow(tree, 0, 300);
    await unguarded(`UPDATE log_leaf SET ${flip('body', 2)} WHERE idx = 299`);
    await watch(replica).check.turn(4096);
    expect(tree.quarantine?.message).toContain('leaf/body: leaf 299');
  });

  test('loses neither place nor fault when the event cannot be recorded', async () => {
    const replica = await world.replica();
    await grow(await replica.trees.open(spec), 0, 600);
    await unguarded(`DELETE FROM log_leaf WHERE idx = 3`);
    const failing = watch(replica, () => Promise.reject(new Error('no room')));
    await expect(failing.check.turn(256)).rejects.toThrow('no room');
    const { check, recorded } = watch(replica);
    await check.turn(256);
    expect(recorded).toEqual([{ tree: 'test/a', place: 'leaf/missing: leaf 3', stops: false }]);
  });
});

describe('at the start', () => {
  const open = async (): Promise<string | undefined> => {
    const tree = await (await world.replica()).trees.open(spec);
    if (tree.quarantine === undefined) return undefined;
    expect(isFault(tree.quarantine) && tree.quarantine.kind).toBe('corrupt');
    await expect(tree.append({ body: fromUtf8('x'), kind: 'test/1' })).rejects.toThrow();
    return tree.quarantine.message;
  };

  test.each([
    [
      `UPDATE log_tile SET ${flip('data', 32 * 9)} WHERE level = 0 AND n = 2`,
      'tile/hash: tile 0/2, number 9',
    ],
    [`UPDATE log_leaf SET ${flip('leaf_hash', 0)} WHERE idx = 600`, 'leaf/hash: leaf 600, column leaf_hash'],
    ['DELETE FROM log_leaf WHERE idx = 700', 'leaf/missing: leaf 700'],
    ['DELETE FROM log_tile WHERE level = 0 AND n = 1', 'tile/missing: tile 0/1'],
  ])('a full tile that does not hold is found: %s', async (damage, place) => {
    const replica = await world.replica();
    await grow(await replica.trees.open(spec), 0, 1000);
    await replica.close();
    await unguarded(damage);
    expect(await open()).toContain(place);
  });

  test('case 53: a full tile file that differs is found where it was published', async () => {
    const replica = await world.replica();
    await grow(await replica.trees.open(spec), 0, 600);
    await replica.close();
    const path = join(replica.directory, 'test/a/tile/0/001');
    const bytes = readFileSync(path);
    bytes[40] = (bytes[40] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    const again = await (await world.replica({ directory: replica.directory })).trees.open(spec);
    expect(again.quarantine?.message).toContain('file/differs: tile 0/1, number 1, tile/0/001');
  });
});
