/**
 * A tree of any size, its rows written by the database itself: for checks of large trees, where appending would take
 * most of the time. Nothing is signed, and no file is written.
 */
import type { Pool } from 'pg';
import { Edge, type TreeHead } from '#core/merkle';
import { toHex } from '#core/octets';
import { asSuperuser, type FreshDatabase } from './kit.js';

const WIDTH = 256;
/** Rows of one statement. */
const AT_ONCE = 50_000;

/** Fills the empty tree `shard` with `size` leaves of some `octets` each; answers its head. */
export async function generateTree(
  database: FreshDatabase,
  pool: Pool,
  shard: number,
  size: number,
  octets = 40,
): Promise<TreeHead> {
  const unguarded = (sql: string): Promise<string> =>
    asSuperuser(database, `SET session_replication_role = replica; SET synchronous_commit = off; ${sql}`);
  const body = `convert_to('leaf ' || i || repeat('.', ${octets}), 'UTF8')`;
  for (let from = 0; from < size; from += AT_ONCE) {
    const to = Math.min(from + AT_ONCE, size) - 1;
    await unguarded(`
      INSERT INTO log_leaf (shard, idx, leaf_hash, kind, stamped_ms, body)
        SELECT ${shard}, i, sha256('\\x00'::bytea || ${body}), 'test/1', 1800000000000 + i, ${body}
          FROM generate_series(${from}, ${to}) AS i;
      INSERT INTO log_dedup (shard, key, idx)
        SELECT shard, leaf_hash, idx FROM log_leaf WHERE shard = ${shard} AND idx BETWEEN ${from} AND ${to};`);
  }
  const edge = new Edge();
  const tiles = new Map<string, { readonly level: number; readonly n: bigint; readonly hashes: Uint8Array[] }>();
  for (let from = 0; from < size; from += AT_ONCE) {
    const { rows } = await pool.query<{ leaf_hash: Buffer }>(
      'SELECT leaf_hash FROM log_leaf WHERE shard = $1 AND idx >= $2 AND idx < $3 ORDER BY idx',
      [shard, from, from + AT_ONCE],
    );
    for (const { leaf_hash: hash } of rows) {
      edge.append(hash, (nodeLevel, index, node) => {
        if (nodeLevel % 8 !== 0) return;
        const [level, n] = [nodeLevel / 8, index / BigInt(WIDTH)];
        const key = `${level}/${n}`;
        const tile = tiles.get(key) ?? { level, n, hashes: [] };
        tile.hashes.push(node);
        tiles.set(key, tile);
      });
    }
  }
  const head = edge.head();
  const all = [...tiles.values()];
  for (let at = 0; at < all.length; at += 1000) {
    const values = all
      .slice(at, at + 1000)
      .map(
        ({ level, n, hashes }) =>
          `(${shard}, ${level}, ${n}, ${hashes.length}, '\\x${hashes.map(toHex).join('')}')`,
      );
    await unguarded(`INSERT INTO log_tile (shard, level, n, width, data) VALUES ${values.join(', ')}`);
  }
  await unguarded(
    `UPDATE log_head SET size = ${head.size}, root = '\\x${toHex(head.root)}', stamped_ms = 1900000000000 WHERE shard = ${shard}`,
  );
  return head;
}
