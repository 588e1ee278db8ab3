/**
 * Mends the index of a tree, as the owner of the tables: the running role can add rows and remove none.
 *
 */
import type { ClientBase } from 'pg';
import type { IndexDifference } from './compare-range.js';

function columns(differences: readonly IndexDifference[]): [Buffer[], string[]] {
  const rows = differences.flatMap(({ keyHash, index }) =>
    keyHash === undefined ? [] : [{ key: Buffer.from(keyHash), index: index.toString() }],
  );
  return [rows.map(({ key }) => key), rows.map(({ index }) => index)];
}

/** Writes what is missing and removes what is too much, in one transaction; answers how many rows that were. */
export async function mendIndex(
  owner: ClientBase,
  shard: number,
  differences: readonly IndexDifference[],
): Promise<number> {
  const missing = columns(differences.filter(({ what }) => what === 'missing'));
  const extra = columns(differences.filter(({ what }) => what === 'extra'));
  await owner.query('BEGIN');
  try {
    const written = await owner.query(
      `INSERT INTO log_index (key_hash, shard, idx)
       SELECT key, $1, idx FROM unnest($2::bytea[], $3::bigint[]) AS row(key, idx) ON CONFLICT DO NOTHING`,
      [shard, ...missing],
    );
    const removed = await owner.query(
      `DELETE FROM log_index i USING unnest($2::bytea[], $3::bigint[]) AS row(key, idx)
        WHERE i.key_hash = row.key AND i.shard = $1 AND i.idx = row.idx`,
      [shard, ...extra],
    );
    await owner.query('COMMIT');
    return (written.rowCount ?? 0) + (removed.rowCount ?? 0);
  } catch (error) {
    await owner.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}
