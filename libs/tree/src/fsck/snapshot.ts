import type { Pool, PoolClient } from 'pg';
import { withConnection } from '../connection.js';

/** Runs `work` where everything is seen as of one moment, and nothing can be written. */
export async function inSnapshot<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  return await withConnection(pool, async (client) => {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const value = await work(client);
    await client.query('ROLLBACK');
    return { value, reusable: true };
  });
}
