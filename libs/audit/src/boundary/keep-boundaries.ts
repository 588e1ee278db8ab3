/**
 * How a boundary checkpoint comes to be: for every tree, every full hour UTC, whether it grew or not.
 *
 *   1. due      a row says so, written by whichever replica notices first
 *   2. claim    the row is locked, others skip it: of several replicas one makes the boundary
 *   3. believe  the clock is trusted now; a boundary that lies about the time would be worse than none
 *   4. cut      the tree is divided at the hour: what was stamped before it is under the checkpoint, all of it
 *   5. stamp    an RFC 3161 token over the checkpoint as it is served
 *   6. keep     checkpoint, token, the gap that they close, and the audit event, in one transaction, for ever
 *
 * What fails leaves the row and is tried again until the next hour takes its place; hours without a boundary are a
 * gap, recorded with its reason by the boundary that closes it. Nothing is made up afterwards: a boundary proves the
 * time at which it was made and no earlier one.
 */
import type { Pool, PoolClient } from 'pg';
import { isFault } from '#core/fault';
import { fromUtf8, toBase64 } from '#core/octets';
import type { Clock, Logger } from '#platform';
import type { SignedHead } from '#tree';
import { AUDIT_TREE } from '../audit-tables.js';
import type { RecordEvent } from '../record-event.js';
import { boundaryAt, HOUR_MS, instant, kindsOf } from './boundary-instants.js';
import { type BoundaryStore, claim, type ClosedGap, keep } from './boundary-store.js';

/** The part of a tree that is needed. */
export interface BoundedTree {
  readonly name: string;
  readonly shard: number;
  cut(atMs: bigint): Promise<SignedHead>;
}

export interface BoundaryPorts {
  readonly pool: Pool;
  readonly store: BoundaryStore;
  /** Asked at each turn: trees are opened one after the other. */
  readonly trees: () => readonly BoundedTree[];
  /** @throws {Fault} if the time may not be put into a signature now */
  readonly believeClock: () => void;
  /** Resolves to a TimeStampResp that holds a token over `octets`. */
  readonly stamp: (octets: Uint8Array) => Promise<Uint8Array>;
  /** Prepares the anchor of the audit tree's head in the caller's transaction. */
  readonly anchor: (client: PoolClient, dueMs: number, head: SignedHead) => Promise<void>;
  /** Brings anchors that were prepared into the log. */
  readonly placeAnchors: () => Promise<void>;
  /** Asks for the counts of key uses, and records them in the caller's transaction. */
  readonly uses: {
    refreshIfPossible(): Promise<void>;
    recordAt(client: PoolClient, dueMs: number): Promise<void>;
  };
  readonly record: RecordEvent;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The audit tree goes first, so that the same hour's boundary of the log covers its anchor. */
function auditFirst(trees: readonly BoundedTree[]): readonly BoundedTree[] {
  return trees.toSorted((a, b) => Number(b.name === AUDIT_TREE) - Number(a.name === AUDIT_TREE));
}

export class KeepBoundaries {
  readonly #ports: BoundaryPorts;
  /** Newest hour known to be made, by tree: nothing is asked of the database between boundaries. */
  readonly #made = new Map<number, number>();
  readonly #failures = new Map<string, string>();
  #anchored = false;
  #running: Promise<void> | undefined;

  constructor(ports: BoundaryPorts) {
    this.#ports = ports;
  }

  /** Why boundaries that are due have not been made, by tree. */
  get failures(): ReadonlyMap<string, string> {
    return this.#failures;
  }

  /** Makes what is due. Never rejects: what failed is tried again at the next turn. */
  turn(): Promise<void> {
    return (this.#running ??= this.#turn().finally(() => {
      this.#running = undefined;
    }));
  }

  async #turn(): Promise<void> {
    const dueMs = boundaryAt(this.#ports.clock.nowMs());
    for (const tree of auditFirst(this.#ports.trees())) {
      if ((this.#made.get(tree.shard) ?? 0) < dueMs) await this.#attempt(tree, dueMs);
      if (tree.name === AUDIT_TREE && !this.#anchored) await this.#place();
    }
  }

  async #attempt(tree: BoundedTree, dueMs: number): Promise<void> {
    const { store, logger } = this.#ports;
    try {
      await store.schedule(tree.shard, dueMs);
      if (await this.#make(tree, dueMs)) {
        this.#made.set(tree.shard, dueMs);
        if (tree.name === AUDIT_TREE) this.#anchored = false;
      } else if (await this.#madeElsewhere(tree, dueMs)) {
        this.#made.set(tree.shard, dueMs);
      }
      this.#failures.delete(tree.name);
    } catch (err) {
      const reason = isFault(err) ? `${err.code}: ${err.message}` : 'failed; the log says why';
      if (this.#failures.get(tree.name) !== reason)
        logger.error(
          { err, tree: tree.name, due: instant(dueMs) },
          'a boundary checkpoint could not be made',
        );
      this.#failures.set(tree.name, reason);
      await store
        .failed(tree.shard, dueMs, reason)
        .catch((cause: unknown) => logger.warn({ err: cause }, 'the reason could not be recorded'));
    }
  }

  async #madeElsewhere({ shard }: BoundedTree, dueMs: number): Promise<boolean> {
    const states = await this.#ports.store.states();
    return states.some((state) => state.shard === shard && state.newestDueMs >= dueMs);
  }

  /** Resolves to false if another replica makes it, or has. */
  async #make(tree: BoundedTree, dueMs: number): Promise<boolean> {
    const { pool, believeClock, stamp, clock, anchor, uses } = this.#ports;
    if (tree.name === AUDIT_TREE) await uses.refreshIfPossible();
    const client = await pool.connect();
    client.on('error', ignore);
    let broken = true;
    try {
      await client.query('BEGIN');
      if (await claim(client, tree.shard, dueMs)) {
        believeClock();
        const head = await tree.cut(BigInt(dueMs));
        const token = await stamp(fromUtf8(head.note));
        const { size, root, note } = head;
        const madeMs = Math.max(clock.nowMs(), dueMs);
        const kinds = kindsOf(dueMs);
        const boundary = { shard: tree.shard, dueMs, kinds, madeMs, size, root, note, token };
        const gap = await keep(client, boundary, HOUR_MS);
        await this.#record(client, tree, dueMs, head, gap);
        if (tree.name === AUDIT_TREE) {
          await uses.recordAt(client, dueMs);
          await anchor(client, dueMs, head);
        }
        await client.query('COMMIT');
        broken = false;
        return true;
      }
      await client.query('COMMIT');
      broken = false;
      return false;
    } finally {
      client.removeListener('error', ignore);
      // A connection with an open transaction is given to nobody else; ending it is the rollback.
      client.release(broken);
    }
  }

  async #record(
    client: PoolClient,
    tree: BoundedTree,
    dueMs: number,
    head: SignedHead,
    gap: ClosedGap | undefined,
  ): Promise<void> {
    const { record } = this.#ports;
    const resource = { type: 'tree', id: tree.name };
    if (gap !== undefined) {
      await record.within(client, {
        code: 'log.checkpoint.published',
        outcome: 'failure',
        reason: gap.reason,
        resource,
        details: { boundary: true, firstMissed: instant(gap.firstMs), lastMissed: instant(gap.lastMs) },
      });
    }
    await record.within(client, {
      code: 'log.checkpoint.published',
      resource,
      log: { size: head.size.toString(), root: toBase64(head.root) },
      details: { boundary: true, due: instant(dueMs), kinds: [...kindsOf(dueMs)] },
    });
  }

  async #place(): Promise<void> {
    try {
      await this.#ports.placeAnchors();
      this.#anchored = true;
    } catch (err) {
      this.#ports.logger.warn({ err }, 'the head of the audit trail is not in the log yet; trying again');
    }
  }
}

function ignore(): void {
  // The query in flight rejects with the same error.
}
