/**
 * Divides a tree at an instant.
 *
 * Under the lock of the head row no batch is half way: what was stamped before is committed, and the stamp that we
 * leave in the row is one that no later batch falls below. So the head that is read here holds exactly the leaves of
 * the time before, whichever replica wrote them and whatever their clocks say.
 */
import type { Pool } from 'pg';
import { Fault } from '#core/fault';
import type { TreeHead } from '#core/merkle';
import { withConnection } from './connection.js';
import { RightEdge } from './right-edge.js';

/** @throws {Fault} tree/edge-mismatch, tree/head-missing: of kind corrupt */
export async function cutHead(pool: Pool, shard: number, atMs: bigint): Promise<TreeHead> {
  return await withConnection(pool, async (client) => {
    await client.query('BEGIN');
    const { rows } = await client.query<{ size: string; root: Buffer }>(
      `UPDATE log_head SET stamped_ms = greatest(stamped_ms, $2) WHERE shard = $1 RETURNING size, root`,
      [shard, atMs.toString()],
    );
    const [row] = rows;
    if (row === undefined) throw new Fault('corrupt', 'tree/head-missing', `log ${shard} has no head row`);
    const edge = await RightEdge.read(client, shard, { size: BigInt(row.size), root: row.root });
    await client.query('COMMIT');
    return { value: edge.head, reusable: true };
  });
}

/** The committed head, its edge proved. @throws {Fault} tree/edge-mismatch, tree/head-missing: of kind corrupt */
export async function readHead(pool: Pool, shard: number): Promise<TreeHead> {
  return await withConnection(pool, async (client) => {
    // Head and tiles of one moment: others are writing.
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const { rows } = await client.query<{ size: string; root: Buffer }>(
      'SELECT size, root FROM log_head WHERE shard = $1',
      [shard],
    );
    const [row] = rows;
    if (row === undefined) throw new Fault('corrupt', 'tree/head-missing', `log ${shard} has no head row`);
    const edge = await RightEdge.read(client, shard, { size: BigInt(row.size), root: row.root });
    await client.query('ROLLBACK');
    return { value: edge.head, reusable: true };
  });
}
