/**
 * What no range of leaves can show: rows and files that stand where there should be none, and rows that are found only
 * by reading a table from end to end.
 *
 * Everything is read in one snapshot together with the head, so that a log may grow meanwhile; files are listed before
 * the head is read, since they are written after it.
 */
import type { Pool, PoolClient } from 'pg';
import { TILE_WIDTH, type TileLevel } from '#core/tile';
import { readRows } from '../read-rows.js';
import type { TreeUnderCheck } from './check-leaves.js';
import { checkSearchKeys } from './check-search-keys.js';
import type { Findings } from './finding.js';
import { hex } from './finding.js';
import { inSnapshot } from './snapshot.js';

const FILE_LEVELS: readonly TileLevel[] = ['entries', 0, 1, 2, 3, 4, 5, 6];
const TILE_LEVELS = 8;
const WIDTH = BigInt(TILE_WIDTH);
const MOST = 200;

interface Rest {
  /** Rows of the deduplication table that the ranges found to be missing. */
  readonly keysMissing: number;
  /** Leaves below it have been checked. */
  readonly covered: bigint;
}

export async function checkRest(
  pool: Pool,
  tree: TreeUnderCheck,
  { keysMissing, covered }: Rest,
  findings: Findings,
): Promise<void> {
  const { files } = tree;
  const published = new Map<TileLevel, bigint[]>();
  if (files !== undefined) for (const level of FILE_LEVELS) published.set(level, await files.numbers(level));
  await inSnapshot(pool, async (client) => {
    const { rows } = await client.query<{ size: string }>('SELECT size FROM log_head WHERE shard = $1', [
      tree.shard,
    ]);
    const size = BigInt(rows[0]?.size ?? 0);
    await extraRows(client, tree.shard, size, findings);
    await extraTiles(client, tree.shard, size, findings);
    await extraKeys(client, tree, size, keysMissing, findings);
    if (tree.rules.searchable === true) await checkSearchKeys(client, tree.shard, size, covered, findings);
    checkNumbers(tree, published, size, findings);
  });
}

async function extraRows(client: PoolClient, shard: number, size: bigint, findings: Findings): Promise<void> {
  const tables = [
    ['log_leaf', 'idx', 'leaf/extra', 'index'],
    ['log_set', 'idx', 'promise/extra', 'index'],
    ['log_checkpoint', 'size', 'checkpoint/extra', 'size'],
  ] as const;
  for (const [table, column, what, called] of tables) {
    const beyond = what === 'checkpoint/extra' ? '>' : '>=';
    const { rows } = await client.query<{ at: string }>(
      `SELECT ${column} AS at FROM ${table} WHERE shard = $1 AND ${column} ${beyond} $2 ORDER BY 1 LIMIT ${MOST}`,
      [shard, size.toString()],
    );
    for (const { at } of rows)
      findings.add({ what, at: { [called]: at }, expected: `nothing beyond ${size}`, found: 'a row' });
  }
}

async function extraTiles(
  client: PoolClient,
  shard: number,
  size: bigint,
  findings: Findings,
): Promise<void> {
  for (let level = 0; level < TILE_LEVELS; level++) {
    const hashes = size >> BigInt(8 * level);
    const end = (hashes + WIDTH - 1n) / WIDTH;
    const { rows } = await client.query<{ n: string; width: number }>(
      `SELECT n, width FROM log_tile WHERE shard = $1 AND level = $2 AND n >= $3 ORDER BY n LIMIT ${MOST}`,
      [shard, level, end.toString()],
    );
    for (const { n, width } of rows)
      findings.add({
        what: 'tile/extra',
        at: { level, tile: n },
        expected: 'no row',
        found: `${width} hashes`,
      });
  }
}

/**
 * No row too many: every leaf has been found under its keys, all of which differ; so if there are as many rows as
 * keys, there is no other. Only where the number is wrong is the table compared row by row.
 */
async function extraKeys(
  client: PoolClient,
  { shard, rules }: TreeUnderCheck,
  size: bigint,
  missing: number,
  findings: Findings,
): Promise<void> {
  const { rows } = await client.query<{ count: string }>('SELECT count(*) FROM log_dedup WHERE shard = $1', [
    shard,
  ]);
  const perLeaf = rules.identityOf === undefined ? 1n : 2n;
  if (BigInt(rows[0]?.count ?? 0) + BigInt(missing) === size * perLeaf) return;
  const select = `SELECT d.key, d.idx, l.body FROM log_dedup d
    LEFT JOIN log_leaf l ON l.shard = d.shard AND l.idx = d.idx
    WHERE d.shard = ${shard} AND l.leaf_hash IS DISTINCT FROM d.key`;
  for await (const some of readRows(client, select, 3)) {
    for (const [key, index, body] of some) {
      if (key === undefined || index === undefined) continue;
      if (body !== undefined && rules.identityOf !== undefined && key.equals(rules.identityOf(body)))
        continue;
      findings.add({
        what: 'key/extra',
        at: { key: hex(key), index: index.readBigInt64BE().toString() },
        expected: 'no row',
        found: 'a row for a leaf of another hash',
      });
    }
  }
}

/** Files are written in order, so one that is missing below another was lost; those beyond the head are somebody's. */
function checkNumbers(
  { files }: TreeUnderCheck,
  published: ReadonlyMap<TileLevel, readonly bigint[]>,
  size: bigint,
  findings: Findings,
): void {
  for (const [level, numbers] of published) {
    const full = size >> BigInt(8 * ((level === 'entries' ? 0 : level) + 1));
    const there = new Set<bigint>();
    let last = -1n;
    for (const n of numbers) {
      if (n >= full) {
        findings.add({
          what: 'file/extra',
          at: { level, tile: n.toString(), path: files?.path(level, n) ?? '' },
          expected: `no file beyond the ${full} full tiles of a tree of ${size}`,
          found: 'a file',
        });
        continue;
      }
      there.add(n);
      if (n > last) last = n;
    }
    for (let n = 0n; n < last; n++) {
      if (there.has(n)) continue;
      findings.add({
        what: 'file/missing',
        at: { level, tile: n.toString(), path: files?.path(level, n) ?? '' },
        expected: 'a file, since later ones are there',
        found: 'no file',
      });
    }
  }
}
