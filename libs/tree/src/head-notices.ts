/**
 * Hears of checkpoints that other replicas store (LISTEN), on one connection for all trees of the process.
 *
 * A notice is a hint to look, nothing more: one that is lost (the connection broke) delays an answer, so after
 * every reconnection all trees look.
 */
import type { Pool, PoolClient } from 'pg';
import type { Logger } from '#platform';
import { CHANNEL } from './checkpoints.js';

const RECONNECT_MS = 1000;

export class HeadNotices {
  readonly #pool: Pool;
  readonly #logger: Logger;
  readonly #listeners = new Map<number, () => void>();
  #client: PoolClient | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(pool: Pool, logger: Logger) {
    this.#pool = pool;
    this.#logger = logger;
  }

  /** Calls `look` whenever the tree `shard` may have a new checkpoint; resolves to a function that stops it. */
  async listen(shard: number, look: () => void): Promise<() => void> {
    this.#listeners.set(shard, look);
    if (this.#client === undefined) await this.#connect();
    return () => this.#listeners.delete(shard);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#client?.release(true);
    this.#client = undefined;
  }

  async #connect(): Promise<void> {
    const client = await this.#pool.connect();
    if (this.#closed || this.#client !== undefined) {
      client.release();
      return;
    }
    this.#client = client;
    client.on('notification', ({ payload }) => {
      this.#listeners.get(Number.parseInt(payload ?? '', 10))?.();
    });
    client.on('error', (err: Error) => this.#lost(client, err));
    client.once('end', () => this.#lost(client, new Error('the connection was closed')));
    await client.query(`LISTEN ${CHANNEL}`);
    for (const look of this.#listeners.values()) look();
  }

  #lost(client: PoolClient, err: Error): void {
    if (this.#client !== client || this.#closed) return;
    this.#client = undefined;
    client.release(err);
    this.#logger.warn({ err }, 'no longer hearing of checkpoints of other replicas; connecting again');
    this.#retry();
  }

  #retry(): void {
    this.#timer = setTimeout(() => {
      this.#connect().catch((err: unknown) => {
        this.#logger.warn({ err }, 'cannot listen for checkpoints yet');
        if (!this.#closed) this.#retry();
      });
    }, RECONNECT_MS);
  }
}
