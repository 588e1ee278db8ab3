/**
 * Moves events from the outbox into the audit tree: each exactly once, in the order of the outbox.
 *
 *   1. read      the oldest rows, at most one batch of them
 *   2. sequence  as one batch of the tree; what another replica, or this one before a crash, has put there already is
 *                found by its hash and keeps its place (an event's octets are unique, for they hold its uid)
 *   3. remove    the rows; the database lets a row go only if its leaf is in the tree
 *
 * A crash after 1 changes nothing; after 2 the rows are offered again. Replicas need no agreement: rows are gone
 * only after their leaves are in, so whoever reads later rows can no longer meet earlier ones.
 *
 * Order: an event whose transaction began after another's had committed comes after it. Of transactions that ran
 * side by side, either may be first.
 */
import type { Pool } from 'pg';
import type { Logger } from '#platform';
import type { NewLeaf } from '#tree';

/** Below the largest batch of the tree, so that a failure leaves no later event in and an earlier one out. */
export const DRAIN_BATCH = 256;
const EVERY_MS = 1000;

/** The part of the audit tree that is needed. */
export interface EventTree {
  sequence(leaf: NewLeaf): Promise<unknown>;
}

export class DrainOutbox {
  readonly #pool: Pool;
  readonly #tree: EventTree;
  readonly #logger: Logger;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<number> | undefined;
  #backlog = { rows: 0, oldestMs: 0 };

  constructor(pool: Pool, tree: EventTree, logger: Logger) {
    this.#pool = pool;
    this.#tree = tree;
    this.#logger = logger;
  }

  /** Events that waited when somebody last looked, and since when the oldest did. */
  get backlog(): { readonly rows: number; readonly oldestMs: number } {
    return this.#backlog;
  }

  start(): void {
    this.#timer ??= setInterval(() => {
      this.run().catch((err: unknown) => {
        this.#logger.error({ err }, 'audit events could not be sequenced; they wait in the database');
      });
    }, EVERY_MS).unref();
  }

  /** Resolves once what is under way is done; what is left waits in the database. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    await this.#running?.catch(() => 0);
  }

  /** Empties the outbox; resolves to the number of rows it took out. */
  run(): Promise<number> {
    return (this.#running ??= this.#drain().finally(() => {
      this.#running = undefined;
    }));
  }

  async #drain(): Promise<number> {
    for (let moved = 0; ;) {
      const { rows } = await this.#pool.query<{ seq: string; body: Buffer; ms: string }>({
        name: 'audit-outbox-read',
        text: `SELECT seq, body, floor(extract(epoch FROM recorded_at) * 1000)::bigint AS ms
                 FROM audit_outbox ORDER BY seq LIMIT ${DRAIN_BATCH}`,
      });
      this.#backlog = { rows: rows.length, oldestMs: Number(rows[0]?.ms ?? 0) };
      if (rows.length === 0) return moved;
      // In one turn of the event loop: the tree makes one batch of it, in this order.
      await Promise.all(rows.map(({ body }) => this.#tree.sequence({ body, kind: 'audit/event' })));
      const { rowCount } = await this.#pool.query('DELETE FROM audit_outbox WHERE seq = ANY($1::bigint[])', [
        rows.map(({ seq }) => seq),
      ]);
      moved += rowCount ?? 0;
      if (rows.length < DRAIN_BATCH) {
        this.#backlog = { rows: 0, oldestMs: 0 };
        return moved;
      }
    }
  }
}
