import type { Pool, PoolClient } from 'pg';

/** What came of the work, and whether the next user may have the connection. */
export type Used<T> =
  { readonly value: T; readonly reusable: boolean } | { readonly error: unknown; readonly reusable: boolean };

function ignore(): void {
  // The query in flight rejects with the same error.
}

/** Runs `work` on one connection; a connection that breaks meanwhile is an error of the work, not of the process. */
export async function withConnection<T>(
  pool: Pool,
  work: (client: PoolClient) => Promise<Used<T>>,
): Promise<T> {
  const client = await pool.connect();
  client.on('error', ignore);
  let used: Used<T>;
  try {
    used = await work(client);
  } catch (error) {
    used = { error, reusable: false };
  }
  client.removeListener('error', ignore);
  client.release(!used.reusable);
  if ('error' in used) throw used.error;
  return used.value;
}
