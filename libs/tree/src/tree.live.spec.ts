import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { Edge, leafHash, verifyConsistency, verifyInclusion } from '#core/merkle';
import { fromUtf8, toHex } from '#core/octets';
import { formatBundle, parseBundle } from '#core/tile';
import { HeldClock } from '#platform';
import type { Step, Tree, TreeSpec } from '#tree';
import { asSuperuser } from '../../../test/kit/index.js';
import { freshTrees, noteFormat, type FreshTrees } from '../../../test/kit/fresh-trees.js';
import { softwareSigner } from '../../../test/kit/software-signer.js';
import { sweepUndelivered } from './undelivered.js';

const signer = softwareSigner();
const spec: TreeSpec = { name: 'test/a', origin: 'log.test', format: noteFormat('log.test', signer) };

function leaf(text: string) {
  return { body: fromUtf8(text), kind: 'test/1' };
}

let world: FreshTrees;
beforeEach(async () => {
  world = await freshTrees();
});
afterEach(async () => {
  await world.drop();
});

/** The root as an auditor finds it: from nothing but the leaves. */
async function recomputedRoot(tree: Tree): Promise<string> {
  const edge = new Edge();
  for (const { body } of await tree.leaves(0n, tree.size)) edge.append(leafHash(body));
  return toHex(edge.root());
}

async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 500 && !holds(); turn++) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(holds()).toBe(true);
}

describe('a tree', () => {
  test('answers an append with a proof that holds under a signed checkpoint', async () => {
    const { trees } = await world.replica();
    const tree = await trees.open(spec);
    const first = await tree.append(leaf('one'));
    expect(first).toMatchObject({ index: 0n, duplicate: false });
    const second = await tree.append(leaf('two'));
    expect(second.index).toBe(1n);
    verifyInclusion(leafHash(fromUtf8('two')), 1n, second.proof, second.head);
    spec.format.verify(second.head.note, second.head);
    verifyConsistency(first.head, second.head, await tree.consistency(1n, 2n));
    expect(tree.head()).toEqual(second.head);
  });

  test('remembers for a week whose answer did not arrive', async () => {
    const { trees, pool } = await world.replica();
    const tree = await trees.open(spec);
    const { leafHash: late } = await tree.append(leaf('late'));
    const { leafHash: recent } = await tree.append(leaf('recent'));
    for (const [hash, days] of [
      [late, 8],
      [recent, 6],
    ] as const) {
      await pool.query(
        `INSERT INTO log_undelivered (shard, leaf_hash, noted_at) VALUES ($1, $2, now() - make_interval(days => $3))`,
        [tree.shard, Buffer.from(hash), days],
      );
    }
    expect(await sweepUndelivered(pool)).toBe(1);
    expect([await tree.undelivered.has(late), await tree.undelivered.has(recent)]).toEqual([false, true]);
  });

  test('gives one index to submissions of the same leaf, also when they come at once', async () => {
    const { trees } = await world.replica();
    const tree = await trees.open(spec);
    const answers = await Promise.all(Array.from({ length: 50 }, () => tree.append(leaf('same'))));
    expect(answers.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
    expect(new Set(answers.map(({ index }) => index))).toEqual(new Set([0n]));
    const again = await tree.append(leaf('same'));
    expect(again).toMatchObject({ index: 0n, duplicate: true, timestampMs: answers[0]?.timestampMs });
  });

  test('grows past full tiles, publishes them as files and serves every width as a prefix', async () => {
    const { trees, directory } = await world.replica();
    const tree = await trees.open({ ...spec, maxBatch: 100 });
    const bodies = Array.from({ length: 600 }, (_, at) => `leaf ${at}`);
    const answers = await Promise.all(bodies.map((text) => tree.append(leaf(text))));
    expect(answers.map(({ index }) => index)).toEqual(bodies.map((_, at) => BigInt(at)));
    await until(() => tree.size === 600n);
    expect(toHex(tree.head().root)).toBe(await recomputedRoot(tree));

    const hashes = bodies.map((text) => leafHash(fromUtf8(text)));
    expect(await tree.tile(0, 2n, 88)).toEqual(new Uint8Array(Buffer.concat(hashes.slice(512, 600))));
    expect(await tree.tile(0, 2n, 89)).toBeUndefined();
    expect(Buffer.from((await tree.tile(0, 1n, 256)) ?? [])).toEqual(Buffer.concat(hashes.slice(256, 512)));
    expect(await readFile(join(directory, 'test/a/tile/0/001'))).toEqual(
      Buffer.concat(hashes.slice(256, 512)),
    );
    const bundle = formatBundle(bodies.slice(0, 256).map(fromUtf8));
    expect(new Uint8Array(await readFile(join(directory, 'test/a/tile/entries/000')))).toEqual(bundle);
    expect(parseBundle((await tree.bundle(2n, 5)) ?? new Uint8Array())).toHaveLength(5);
    expect((await tree.tile(1, 0n, 2))?.length).toBe(64);
  });

  test('never has two signatures in flight, and covers many batches with one', async () => {
    const slow = softwareSigner('slow', 40);
    const { trees } = await world.replica();
    const tree = await trees.open({ ...spec, format: noteFormat('log.test', slow), maxBatch: 10 });
    await Promise.all(Array.from({ length: 200 }, (_, at) => tree.append(leaf(`${at}`))));
    expect(slow.inFlight()).toBe(1);
    expect(slow.calls()).toBeLessThan(15);
  });

  test('case 34: refuses what cannot be in a bundle, and what comes when too many wait', async () => {
    const { trees } = await world.replica();
    const tree = await trees.open({ ...spec, maxWaiting: 3 });
    await expect(tree.append({ body: new Uint8Array(65_536), kind: 'test/1' })).rejects.toMatchObject({
      code: 'tree/entry-too-large',
    });
    const results = await Promise.allSettled(['a', 'b', 'c', 'd'].map((text) => tree.append(leaf(text))));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected']);
    expect(results[3]).toMatchObject({ reason: { code: 'tree/overloaded', kind: 'unavailable' } });
    expect((await tree.append({ body: new Uint8Array(65_535), kind: 'test/1' })).index).toBe(3n);
  });

  test('finds leaves by hash, by identity and by search keys, all written with the leaf', async () => {
    const { trees } = await world.replica();
    const tree = await trees.open(spec);
    const identity = leafHash(fromUtf8('identity'));
    await tree.append({ ...leaf('a'), identity, searchKeys: ['x', 'y', 'y'], extra: Uint8Array.of(7) });
    await tree.append({ ...leaf('b'), searchKeys: ['y'] });
    expect(await tree.findByHash(leafHash(fromUtf8('a')))).toBe(0n);
    expect(await tree.findByHash(identity)).toBe(0n);
    expect((await tree.search(['x', 'y'], 'or')).map(({ index }) => index)).toEqual([0n, 1n]);
    expect(await tree.search(['x', 'y'], 'and')).toEqual([{ index: 0n, leafHash: expect.anything() }]);
    expect(await tree.append({ ...leaf('c'), identity })).toMatchObject({ index: 0n, duplicate: true });
    expect((await tree.leaf(0n))?.extra).toEqual(Buffer.from([7]));
    expect(await tree.leaf(2n)).toBeUndefined();
  });

  test('keeps its time from going back when the clock does', async () => {
    const clock = new HeldClock(1_700_000_000_000);
    const { trees } = await world.replica({ clock });
    const tree = await trees.open(spec);
    await tree.append(leaf('a'));
    clock.advance(-3_600_000);
    expect((await tree.append(leaf('b'))).timestampMs).toBe(1_700_000_000_000n);
  });

  test('is readable and closed for writing once it is frozen, for every replica', async () => {
    const one = await world.replica();
    const tree = await one.trees.open(spec);
    await tree.append(leaf('a'));
    const two = await world.replica();
    const frozen = await two.trees.open({ ...spec, frozen: true });
    await expect(frozen.append(leaf('b'))).rejects.toMatchObject({ code: 'tree/frozen' });
    expect(frozen.size).toBe(1n);
    await expect(tree.append(leaf('b'))).rejects.toMatchObject({ code: 'tree/frozen' });
    expect(tree.quarantine).toBeUndefined();
    expect(await asSuperuser(world.database, 'SELECT size FROM log_head')).toBe('1');
  });
});

describe('two replicas on one database', () => {
  test('case 48: write one tree without a gap, and both prove every leaf', async () => {
    const [a, b] = [await world.replica(), await world.replica()];
    const [left, right] = [
      await a.trees.open({ ...spec, maxBatch: 16 }),
      await b.trees.open({ ...spec, maxBatch: 16 }),
    ];
    const answers = await Promise.all(
      Array.from({ length: 300 }, (_, at) => (at % 2 === 0 ? left : right).append(leaf(`leaf ${at}`))),
    );
    const indexes = answers.map(({ index }) => index).sort((x, y) => Number(x - y));
    expect(indexes).toEqual(indexes.map((_, at) => BigInt(at)));
    await until(() => left.size === 300n && right.size === 300n);
    expect(toHex(left.head().root)).toBe(await recomputedRoot(right));
    expect(await asSuperuser(world.database, 'SELECT count(*), max(idx) FROM log_leaf')).toBe('300|299');
  });

  test('serve the larger checkpoint also when the clock of its signer is behind', async () => {
    const [ahead, behind] = [new HeldClock(1_800_000_000_000), new HeldClock(1_700_000_000_000)];
    const left = await (await world.replica({ clock: ahead })).trees.open(spec);
    const right = await (await world.replica({ clock: behind })).trees.open(spec);
    await left.append(leaf('a'));
    await until(() => right.size === 1n);
    await right.append(leaf('b'));
    await until(() => left.size === 2n);
    expect(left.head().root).toEqual(right.head().root);
  });

  test('give one index to a leaf that both receive', async () => {
    const [a, b] = [await world.replica(), await world.replica()];
    const [left, right] = [await a.trees.open(spec), await b.trees.open(spec)];
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, at) => (at % 2 === 0 ? left : right).append(leaf('same'))),
    );
    expect(answers.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
  });
});

describe('after a crash', () => {
  test.each<Step>(['locked', 'copied'])('at %s nothing has happened', async (step) => {
    const broken = await world.replica({
      barrier: (at) => {
        if (at === step) throw new Error('killed');
      },
    });
    const dying = await broken.trees.open(spec);
    await expect(dying.append(leaf('a'))).rejects.toMatchObject({ code: 'tree/storage' });
    await broken.close();
    const tree = await (await world.replica()).trees.open(spec);
    expect(await tree.append(leaf('a'))).toMatchObject({ index: 0n, duplicate: false });
  });

  test('between COMMIT and signature, the next start signs what was committed', async () => {
    const broken = await world.replica({
      barrier: (at) => {
        if (at === 'committed') throw new Error('killed');
      },
    });
    const dying = await broken.trees.open(spec);
    await expect(dying.append(leaf('a'))).rejects.toMatchObject({ code: 'tree/storage' });
    await broken.close();
    expect(await asSuperuser(world.database, 'SELECT count(*) FROM log_checkpoint WHERE size > 0')).toBe('0');

    const tree = await (await world.replica()).trees.open(spec);
    await until(() => tree.size === 1n);
    expect(await tree.append(leaf('a'))).toMatchObject({ index: 0n, duplicate: true });
  });

  test('between checkpoint and answer, the next start knows whom nobody has answered', async () => {
    let now = 1_800_000_000_000;
    const clock = { nowMs: () => now };
    let killed = false;
    const broken = await world.replica({
      clock,
      barrier: (at) => {
        if (at !== 'checkpoint' || now === 1_800_000_000_000) return;
        killed = true;
        throw new Error('killed');
      },
    });
    const dying = await broken.trees.open(spec);
    await dying.append(leaf('answered long ago'));
    now += 60_000;
    dying.append(leaf('a')).catch(() => undefined);
    await until(() => killed);
    const tree = await (await world.replica({ clock })).trees.open(spec);
    expect(await tree.undelivered.has(leafHash(fromUtf8('a')))).toBe(true);
    expect(await tree.undelivered.has(leafHash(fromUtf8('answered long ago')))).toBe(false);
  });

  test('continues the tree it finds, with the same files', async () => {
    const first = await world.replica();
    const before = await first.trees.open(spec);
    await Promise.all(Array.from({ length: 300 }, (_, at) => before.append(leaf(`${at}`))));
    const old = before.head();
    await first.close();
    const after = await (await world.replica({ directory: first.directory })).trees.open(spec);
    expect(after.head()).toEqual(old);
    const next = await after.append(leaf('next'));
    expect(next.index).toBe(300n);
    verifyConsistency(old, next.head, await after.consistency(old.size, next.head.size));
  });

  test('finds its own leaves again when the answer to COMMIT was lost', async () => {
    let lose = true;
    class LossyClient extends pg.Client {
      override query(...parameters: readonly unknown[]): never {
        const answer: unknown = Reflect.apply(super.query, this, parameters);
        if (parameters[0] !== 'COMMIT' || !lose) return answer as never;
        lose = false;
        return Promise.resolve(answer).then(() => Promise.reject(new Error('connection reset'))) as never;
      }
    }
    const replica = await world.replica({ Client: LossyClient });
    const tree = await replica.trees.open(spec);
    expect(await tree.append(leaf('a'))).toMatchObject({ index: 0n, duplicate: false });
    expect(await asSuperuser(world.database, 'SELECT size FROM log_head')).toBe('1');
  });
});

describe('a tree that contradicts itself', () => {
  async function damaged(sql: string): Promise<Tree> {
    const first = await world.replica();
    const tree = await first.trees.open(spec);
    await Promise.all(Array.from({ length: 5 }, (_, at) => tree.append(leaf(`${at}`))));
    await first.close();
    await asSuperuser(world.database, sql);
    return await (await world.replica({ directory: first.directory })).trees.open(spec);
  }
  const unguarded = (sql: string) => `SET session_replication_role = replica; ${sql}`;

  test.each([
    [
      'a flipped bit in a tile of the edge',
      'UPDATE log_tile SET data = set_byte(data, 40, 1)',
      'tree/edge-mismatch',
    ],
    ['another root in the head', 'UPDATE log_head SET root = set_byte(root, 0, 1)', 'tree/edge-mismatch'],
    [
      'a checkpoint of another key',
      "UPDATE log_checkpoint SET note = replace(note, '— log.test ', '— log.test A')",
      'tree/checkpoint-mismatch',
    ],
    [
      'a database older than the published files',
      "DELETE FROM log_checkpoint; DELETE FROM log_tile; DELETE FROM log_leaf; DELETE FROM log_dedup; UPDATE log_head SET size = 0, root = sha256('')",
      'tree/rolled-back',
    ],
  ])('refuses to grow: %s', async (_what, sql, code) => {
    const tree = await damaged(unguarded(sql));
    await expect(tree.append(leaf('next'))).rejects.toMatchObject({ code, kind: 'corrupt' });
  });

  test('proves nothing that does not hold, and stops', async () => {
    const replica = await world.replica();
    const tree = await replica.trees.open(spec);
    await tree.append(leaf('a'));
    await expect(tree.prove(0n, leafHash(fromUtf8('b')))).rejects.toMatchObject({
      code: 'tree/proof-mismatch',
    });
    await expect(tree.append(leaf('c'))).rejects.toMatchObject({ code: 'tree/proof-mismatch' });
  });
});

describe('the database refuses', () => {
  beforeEach(async () => {
    const tree = await (await world.replica()).trees.open(spec);
    await Promise.all(Array.from({ length: 300 }, (_, at) => tree.append(leaf(`${at}`))));
  });

  test.each([
    [
      'a tile that shrinks',
      'UPDATE log_tile SET width = 1, data = substring(data FROM 1 FOR 32) WHERE level = 0 AND n = 1',
      /never shrinks/,
    ],
    [
      'other hashes in a tile',
      'UPDATE log_tile SET data = set_byte(data, 0, 1) WHERE level = 0 AND n = 1',
      /never change/,
    ],
    [
      'any change to a full tile',
      'UPDATE log_tile SET data = data WHERE level = 0 AND n = 0',
      /full tile never changes/,
    ],
    ['a head that goes back', 'UPDATE log_head SET size = size - 1', /never goes back/],
    ['a changed leaf', "UPDATE log_leaf SET body = 'x' WHERE idx = 0", /permission denied|for ever/],
    ['a deleted leaf', 'DELETE FROM log_leaf WHERE idx = 0', /permission denied|for ever/],
    ['a forgotten checkpoint', 'DELETE FROM log_checkpoint', /permission denied/],
    [
      'a checkpoint of what is not committed',
      "INSERT INTO log_checkpoint SELECT shard, 301, 1, root, 'x' FROM log_head",
      /only what is committed/,
    ],
    [
      'a second root for one size',
      "INSERT INTO log_checkpoint SELECT shard, size, 1, sha256('x'), 'x' FROM log_head",
      /only what is committed/,
    ],
  ])('case 55: %s, even from the running role', async (_what, sql, message) => {
    const { pool } = await world.replica();
    await expect(pool.query(sql)).rejects.toThrow(message);
  });
});
