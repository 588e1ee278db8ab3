/**
 * Removes the provider's records after their expiry, and counts of failures that mean nothing any more, once an hour. They are refused from the instant they expire, so
 * the sweep only saves space: it may come late, twice, or from several replicas at once.
 */
import type pg from 'pg';
import type { Logger, Queue } from '#platform';
import type { SignInFailures } from '../people/sign-in-failures.js';

const EVERY_MS = 3_600_000;

/** @returns how many were removed */
export async function sweepRecords(pool: pg.Pool): Promise<number> {
  const { rowCount } = await pool.query('DELETE FROM oidc_record WHERE expires_at < now()');
  return rowCount ?? 0;
}

export class RecordSweep {
  readonly #queue: Queue;
  readonly #pool: pg.Pool;
  readonly #failures: SignInFailures;
  readonly #logger: Logger;

  constructor(queue: Queue, pool: pg.Pool, failures: SignInFailures, logger: Logger) {
    this.#queue = queue;
    this.#pool = pool;
    this.#failures = failures;
    this.#logger = logger;
  }

  /** Does not wait for Redis. */
  start(): void {
    const warn = (err: unknown): void =>
      this.#logger.warn({ err }, 'could not schedule the sweep of expired records');
    this.#queue
      .process('sweep', async () => (await sweepRecords(this.#pool)) + (await this.#failures.sweep()))
      .catch(warn);
    this.#queue.add('sweep', {}, { repeat: { every: EVERY_MS }, jobId: 'sweep' }).catch(warn);
  }
}
