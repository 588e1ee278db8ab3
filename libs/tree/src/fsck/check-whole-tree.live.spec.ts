/** A check of a whole tree, on real rows and files that are damaged one at a time. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { appendFileSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromUtf8 } from '#core/octets';
import type { Tree } from '#tree';
import { asSuperuser } from '../../../../test/kit/index.js';
import { freshTrees, noteFormat, type FreshTrees, type Replica } from '../../../../test/kit/fresh-trees.js';
import { softwareSigner } from '../../../../test/kit/software-signer.js';
import { checkWholeTree, ownRunner } from './check-whole-tree.js';
import { formatPlace } from './finding.js';
import { TileFilesReader } from './read-tile-files.js';

const SIZE = 700;
let world: FreshTrees;
let replica: Replica;
let tree: Tree;
const format = noteFormat('log.test', softwareSigner());

beforeAll(async () => {
  world = await freshTrees();
  replica = await world.replica();
  tree = await replica.trees.open({ name: 'test/a', origin: 'log.test', format });
  await grow(0, 300);
  await grow(300, SIZE);
});
afterAll(() => world.drop());

async function grow(from: number, to: number): Promise<void> {
  const leaves = Array.from({ length: to - from }, (_, at) => ({
    body: fromUtf8(`leaf ${from + at} `.repeat(1 + (at % 7))),
    kind: 'test/1',
    searchKeys: [`key ${at % 5}`],
  }));
  await Promise.all(leaves.map((leaf) => tree.append(leaf)));
}

async function report() {
  const files = new TileFilesReader(join(replica.directory, 'test/a'));
  const rules = { verifyCheckpoint: format.verify, searchable: true };
  const under = { name: 'test/a', shard: tree.shard, rules, files };
  const runner = ownRunner(replica.pool, under);
  return await checkWholeTree({ pool: replica.pool, tree: under, runner, claims: () => Promise.resolve([]) });
}

async function places(): Promise<string[]> {
  return (await report()).found.kept.map(formatPlace);
}

test('says that all is well, and how far it looked', async () => {
  const { found, to, from, checkpoint, interrupted } = await report();
  expect(found.kept).toEqual([]);
  expect({ from, to, interrupted, size: checkpoint?.size }).toEqual({
    from: 0n,
    to: BigInt(SIZE),
    interrupted: false,
    size: BigInt(SIZE),
  });
});

const unguarded = (sql: string) =>
  asSuperuser(world.database, `SET session_replication_role = replica; ${sql}`);
const flip = (column: string, at: number) =>
  `${column} = set_byte(${column}, ${at}, get_byte(${column}, ${at}) # 1)`;

interface Damage {
  readonly name: string;
  readonly sql: string;
  /** What puts it right again; the same statement where left out. */
  readonly undo?: string;
  readonly places: readonly string[];
}

/** One statement each, and the one place that must be named. */
const DAMAGES: readonly Damage[] = [
  {
    name: 'case 53: a bit of a leaf body',
    sql: `UPDATE log_leaf SET ${flip('body', 3)} WHERE idx = 300`,
    places: ['leaf/body: leaf 300, column body'],
  },
  {
    name: 'case 53: a bit of a leaf body in the edge',
    sql: `UPDATE log_leaf SET ${flip('body', 3)} WHERE idx = 699`,
    places: ['leaf/body: leaf 699, column body'],
  },
  {
    name: 'case 53: a bit of a leaf hash',
    sql: `UPDATE log_leaf SET ${flip('leaf_hash', 31)} WHERE idx = 255`,
    places: ['leaf/hash: leaf 255, column leaf_hash'],
  },
  {
    name: 'case 53: a bit of a tile row, full',
    sql: `UPDATE log_tile SET ${flip('data', 32 * 200 + 5)} WHERE level = 0 AND n = 1`,
    places: ['tile/hash: tile 0/1, number 200, column data'],
  },
  {
    name: 'case 53: a bit of a tile row, in the edge',
    sql: `UPDATE log_tile SET ${flip('data', 32 * 187)} WHERE level = 0 AND n = 2`,
    places: ['tile/hash: tile 0/2, number 187, column data'],
  },
  {
    name: 'case 53: a bit of a tile row, one level up',
    sql: `UPDATE log_tile SET ${flip('data', 33)} WHERE level = 1 AND n = 0`,
    places: ['tile/hash: tile 1/0, number 1, column data'],
  },
  {
    name: 'case 53: a bit of the root of the head',
    sql: `UPDATE log_head SET ${flip('root', 0)}`,
    places: [`head/root: size ${SIZE}, column root`],
  },
  {
    name: 'case 54: a leaf row deleted',
    sql: 'CREATE TABLE kept AS SELECT * FROM log_leaf WHERE idx = 256; DELETE FROM log_leaf WHERE idx = 256',
    undo: 'INSERT INTO log_leaf TABLE kept; DROP TABLE kept',
    places: ['leaf/missing: leaf 256'],
  },
  {
    name: 'case 57: a gap in the sequence',
    sql: 'CREATE TABLE kept AS SELECT * FROM log_leaf WHERE idx BETWEEN 510 AND 512; DELETE FROM log_leaf WHERE idx BETWEEN 510 AND 512',
    undo: 'INSERT INTO log_leaf TABLE kept; DROP TABLE kept',
    places: ['leaf/missing: leaf 510', 'leaf/missing: leaf 511', 'leaf/missing: leaf 512'],
  },
  {
    name: 'case 57: leaves beyond the head',
    sql: 'INSERT INTO log_leaf (shard, idx, leaf_hash, kind, stamped_ms, body) SELECT shard, 9007199254740993, leaf_hash, kind, stamped_ms, body FROM log_leaf WHERE idx = 0',
    undo: 'DELETE FROM log_leaf WHERE idx = 9007199254740993',
    places: ['leaf/extra: leaf 9007199254740993'],
  },
  {
    name: 'case 55: two rows of a tile exchanged by hand',
    sql: `UPDATE log_tile SET data = substring(data FROM 33 FOR 32) || substring(data FROM 1 FOR 32) || substring(data FROM 65)
            WHERE level = 0 AND n = 0`,
    places: ['tile/hash: tile 0/0, number 0, column data', 'tile/hash: tile 0/0, number 1, column data'],
  },
  {
    name: 'a tile row deleted',
    sql: 'CREATE TABLE kept AS SELECT * FROM log_tile WHERE level = 0 AND n = 1; DELETE FROM log_tile WHERE level = 0 AND n = 1',
    undo: 'INSERT INTO log_tile TABLE kept; DROP TABLE kept',
    places: ['tile/missing: tile 0/1'],
  },
  {
    name: 'a tile row cut short',
    sql: 'CREATE TABLE kept AS SELECT * FROM log_tile WHERE level = 1; UPDATE log_tile SET width = 1, data = substring(data FROM 1 FOR 32) WHERE level = 1',
    undo: 'DELETE FROM log_tile WHERE level = 1; INSERT INTO log_tile TABLE kept; DROP TABLE kept',
    places: ['tile/width: tile 1/0, column data'],
  },
  {
    name: 'a tile row too many',
    sql: 'INSERT INTO log_tile (shard, level, n, width, data) SELECT shard, 0, 3, 1, substring(data FROM 1 FOR 32) FROM log_tile WHERE level = 0 AND n = 0',
    undo: 'DELETE FROM log_tile WHERE level = 0 AND n = 3',
    places: ['tile/extra: tile 0/3'],
  },
  {
    name: 'a time that goes back',
    sql: 'UPDATE log_leaf SET stamped_ms = stamped_ms - 100000 WHERE idx = 400',
    undo: 'UPDATE log_leaf SET stamped_ms = stamped_ms + 100000 WHERE idx = 400',
    places: ['leaf/time: leaf 400, column stamped_ms'],
  },
  {
    name: 'a deduplication key deleted: the Oak of 2022 took such a leaf a second time',
    sql: 'CREATE TABLE kept AS SELECT * FROM log_dedup WHERE idx = 99; DELETE FROM log_dedup WHERE idx = 99',
    undo: 'INSERT INTO log_dedup TABLE kept; DROP TABLE kept',
    places: ['key/missing: leaf 99, column leaf_hash, key HASH-OF-99'],
  },
  {
    name: 'a deduplication key that leads elsewhere',
    sql: 'UPDATE log_dedup SET idx = 7 WHERE idx = 98',
    undo: 'UPDATE log_dedup SET idx = 98 WHERE idx = 7 AND key = (SELECT leaf_hash FROM log_leaf WHERE idx = 98)',
    places: ['key/missing: leaf 98, column leaf_hash, key HASH-OF-98'],
  },
  {
    name: 'a deduplication key too many',
    sql: `INSERT INTO log_dedup (shard, key, idx) SELECT shard, decode(repeat('ab', 32), 'hex'), 5 FROM log_head`,
    undo: `DELETE FROM log_dedup WHERE key = decode(repeat('ab', 32), 'hex')`,
    places: [`key/extra: leaf 5, key ${'ab'.repeat(32)}`],
  },
  {
    name: 'search keys of a leaf deleted',
    sql: 'CREATE TABLE kept AS SELECT * FROM log_index WHERE idx = 41; DELETE FROM log_index WHERE idx = 41',
    undo: 'INSERT INTO log_index TABLE kept; DROP TABLE kept',
    places: ['search/missing: leaf 41'],
  },
  {
    name: 'a search key of a leaf that is not there',
    sql: `INSERT INTO log_index (key_hash, shard, idx) SELECT decode(repeat('00', 16), 'hex'), shard, 700 FROM log_head`,
    undo: 'DELETE FROM log_index WHERE idx = 700',
    places: ['search/extra: leaf 700'],
  },
  {
    name: 'a checkpoint replaced: another text',
    sql: `UPDATE log_checkpoint SET note = replace(note, 'log.test', 'log.tess') WHERE size = ${SIZE}`,
    undo: `UPDATE log_checkpoint SET note = replace(note, 'log.tess', 'log.test') WHERE size = ${SIZE}`,
    places: [`checkpoint/signature: size ${SIZE}, signed SIGNED, column note`],
  },
  {
    name: 'a checkpoint replaced: another root',
    sql: `UPDATE log_checkpoint SET ${flip('root', 7)} WHERE size = ${SIZE}`,
    places: [`checkpoint/signature: size ${SIZE}, signed SIGNED, column note`],
  },
];

describe('finds, and names, exactly', () => {
  test.each(DAMAGES)('$name', async ({ sql, undo, places: expected }) => {
    const signed = await asSuperuser(
      world.database,
      `SELECT signed_ms FROM log_checkpoint WHERE size = ${SIZE} ORDER BY signed_ms LIMIT 1`,
    );
    const hashes = new Map<string, string>();
    for (const index of ['98', '99']) {
      const hash = await asSuperuser(
        world.database,
        `SELECT encode(leaf_hash, 'hex') FROM log_leaf WHERE idx = ${index}`,
      );
      hashes.set(`HASH-OF-${index}`, hash);
    }
    await unguarded(sql);
    try {
      expect(await places()).toEqual(
        expected.map((place) =>
          place.replace('SIGNED', signed).replace(/HASH-OF-\d+/, (word) => hashes.get(word) ?? word),
        ),
      );
    } finally {
      await unguarded(undo ?? sql);
    }
    expect(await places()).toEqual([]);
  });

  test('case 53: a bit of a full tile file', async () => {
    const path = join(replica.directory, 'test/a/tile/0/001');
    const whole = readFileSync(path);
    const damaged = Buffer.from(whole);
    damaged[32 * 77 + 1] = (damaged[32 * 77 + 1] ?? 0) ^ 1;
    writeFileSync(path, damaged);
    expect(await places()).toEqual(['file/differs: tile 0/1, number 77, tile/0/001']);
    writeFileSync(path, whole);
  });

  test('case 53: a bit, and a tail, of a full bundle file', async () => {
    const path = join(replica.directory, 'test/a/tile/entries/000');
    const whole = readFileSync(path);
    const damaged = Buffer.from(whole);
    damaged[2] = (damaged[2] ?? 0) ^ 1;
    writeFileSync(path, damaged);
    expect(await places()).toEqual(['file/differs: tile entries/0, number 0, tile/entries/000']);
    writeFileSync(path, whole);
    appendFileSync(path, 'x');
    expect(await places()).toEqual(['file/differs: tile entries/0, tile/entries/000']);
    writeFileSync(path, whole);
  });

  test('case 54: a good file shows what a damaged row was', async () => {
    await unguarded(`UPDATE log_leaf SET ${flip('body', 0)} WHERE idx = 12`);
    expect(await places()).toEqual(['leaf/body: leaf 12, column body']);
    await unguarded(`UPDATE log_leaf SET ${flip('body', 0)} WHERE idx = 12`);
  });

  test('case 56: files that were published for a tree which the database has lost', async () => {
    const path = join(replica.directory, 'test/a/tile/0/002');
    writeFileSync(path, Buffer.alloc(8192));
    expect(await places()).toEqual(['file/extra: tile 0/2, tile/0/002']);
    unlinkSync(path);
  });

  test('a file that is gone, though later ones are there', async () => {
    const path = join(replica.directory, 'test/a/tile/0/000');
    const whole = readFileSync(path);
    unlinkSync(path);
    expect(await places()).toEqual(['file/missing: tile 0/0, tile/0/000']);
    writeFileSync(path, whole);
  });
});
