/**
 * Which appends were made and not answered: the client's connection was gone, or we crashed in between.
 *
 * Where a protocol answers a second submission with a conflict that its clients cannot use, the retry of such a
 * client must be told from a real duplicate (CONTRACTS §4.3). The note is kept in memory, at once, and in the
 * database, for other replicas and for after a restart. A note too many only turns one conflict into an answer.
 */
import type { Pool } from 'pg';
import type { Logger } from '#platform';
import { toHex } from '#core/octets';
import { bytea } from './copy-rows.js';

const REMEMBERED = 100_000;
/** How long an append may take from its place in the tree to its answer, and how many may be about it. */
const UNANSWERED_MS = 10_000;
const MOST_UNANSWERED = 4096;

/**
 * Removes notes that no client will come back for. A retry after a week is told of a duplicate, which is true.
 *
 * @returns how many were removed
 */
export async function sweepUndelivered(pool: Pool): Promise<number> {
  const { rowCount } = await pool.query(
    `DELETE FROM log_undelivered WHERE noted_at < now() - interval '7 days'`,
  );
  return rowCount ?? 0;
}

export class Undelivered {
  readonly #pool: Pool;
  readonly #shard: number;
  readonly #logger: Logger;
  readonly #here = new Set<string>();

  constructor(pool: Pool, shard: number, logger: Logger) {
    this.#pool = pool;
    this.#shard = shard;
    this.#logger = logger;
  }

  note(leafHash: Uint8Array): void {
    if (this.#here.size >= REMEMBERED) {
      const [oldest] = this.#here;
      if (oldest !== undefined) this.#here.delete(oldest);
    }
    this.#here.add(toHex(leafHash));
    this.#pool
      .query('INSERT INTO log_undelivered (shard, leaf_hash) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
        this.#shard,
        bytea(leafHash),
      ])
      .catch((err: unknown) =>
        this.#logger.warn({ err }, 'an answer that did not arrive could not be noted'),
      );
  }

  async has(leafHash: Uint8Array): Promise<boolean> {
    if (this.#here.has(toHex(leafHash))) return true;
    const { rowCount } = await this.#pool.query(
      'SELECT 1 FROM log_undelivered WHERE shard = $1 AND leaf_hash = $2',
      [this.#shard, bytea(leafHash)],
    );
    return rowCount === 1;
  }

  /** The answer has arrived after all. */
  forget(leafHash: Uint8Array): void {
    this.#here.delete(toHex(leafHash));
    this.#pool
      .query('DELETE FROM log_undelivered WHERE shard = $1 AND leaf_hash = $2', [
        this.#shard,
        bytea(leafHash),
      ])
      .catch((err: unknown) => this.#logger.warn({ err }, 'an answer that arrived could not be noted'));
  }

  /**
   * Notes every leaf that may not have been answered when the process ended that appended it: those from number
   * `start` on, which no checkpoint covered, and the last before them, which one had covered for a moment only.
   */
  async noteFrom(start: bigint): Promise<void> {
    await this.#pool.query(
      `WITH newest AS (
         SELECT idx, leaf_hash, stamped_ms, max(stamped_ms) OVER () AS last_ms
           FROM log_leaf WHERE shard = $1 AND idx >= $2::bigint - ${MOST_UNANSWERED})
       INSERT INTO log_undelivered (shard, leaf_hash)
       SELECT $1, leaf_hash FROM newest WHERE idx >= $2 OR stamped_ms > last_ms - ${UNANSWERED_MS}
       ON CONFLICT DO NOTHING`,
      [this.#shard, start.toString()],
    );
  }
}
