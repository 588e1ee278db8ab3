/** The latest time that anything in any tree carries: entries and tokens are stamped under it, checkpoints signed. */
import type { Pool } from 'pg';

/** Milliseconds since 1970; `undefined` while nothing was ever stamped. */
export async function newestStampMs(pool: Pick<Pool, 'query'>): Promise<number | undefined> {
  const { rows } = await pool.query<{ newest: string | null }>(
    `SELECT greatest(
       (SELECT max(stamped_ms) FROM log_head),
       (SELECT max(newest.signed_ms) FROM log_shard s CROSS JOIN LATERAL (
          SELECT signed_ms FROM log_checkpoint WHERE shard = s.id ORDER BY size DESC, signed_ms DESC LIMIT 1
        ) AS newest)) AS newest`,
  );
  const newest = Number(rows[0]?.newest ?? 0);
  return newest > 0 ? newest : undefined;
}
