/**
 * Pools what this replica is asked to append and feeds it to the sequencer, one batch at a time.
 *
 * While one batch is being committed the next one gathers. Of equal leaves that wait together only the first is
 * sequenced; the others share its result. When the answer to COMMIT is lost, the same batch is offered again, and
 * what is found in the tree then is ours.
 */
import type { Pool } from 'pg';
import { Fault, isFault } from '#core/fault';
import { leafHash, type TreeHead } from '#core/merkle';
import { toHex } from '#core/octets';
import type { Clock, Logger } from '#platform';
import type { Barrier } from './barrier.js';
import type { NewLeaf, Sequenced } from './leaf.js';
import type { Growth, RightEdge } from './right-edge.js';
import { AmbiguousCommit, BatchSequencer, type Candidate, type Outcome } from './sequence-batch.js';
import type { StoredLeaves } from './stored-leaves.js';
import type { TreeMetrics } from './tree-metrics.js';

/** How often a batch whose COMMIT was ambiguous is offered again before its callers are told to retry. */
const ATTEMPTS = 4;
const ATTEMPT_PAUSE_MS = 250;

interface Pending {
  readonly leaf: NewLeaf;
  readonly leafHash: Uint8Array;
  readonly identity: Uint8Array;
  readonly result: Promise<Sequenced>;
  readonly resolve: (sequenced: Sequenced) => void;
  readonly reject: (error: unknown) => void;
  attempts: number;
}

export interface AppenderParts {
  readonly name: string;
  readonly shard: number;
  readonly pool: Pool;
  readonly leaves: StoredLeaves;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: TreeMetrics;
  readonly barrier: Barrier;
  readonly maxBatch: number;
  readonly maxWaiting: number;
  /** Told of every batch as soon as it is true. */
  readonly committed: (edge: RightEdge, dirty: Growth['dirty']) => Promise<void>;
  /** Told of a contradiction in our own state. */
  readonly quarantine: (fault: Fault) => void;
}

/** SQLSTATE of an error of the database. */
function stateOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}

/** Class 23: a constraint or one of our triggers said no. */
const RULE_BROKEN = /^23/;
/** What the trigger says of a log that another replica has frozen. */
const FROZEN = '55000';

function storage(cause?: unknown): Fault {
  return new Fault('unavailable', 'tree/storage', 'the log cannot be written now; retry', {
    cause,
    retryAfterSeconds: 2,
  });
}

/** What a failed batch means to those who wait for it. */
function faultOf(error: unknown): Fault {
  if (isFault(error)) return error;
  const state = stateOf(error);
  if (state === FROZEN) {
    return new Fault('refused', 'tree/frozen', 'this log is frozen; use the newest one', { cause: error });
  }
  // The database's own rules refused what we wanted to write: our state and its state contradict each other.
  if (RULE_BROKEN.test(state)) {
    return new Fault('corrupt', 'tree/rule-broken', 'the database refused a batch that breaks its rules', {
      cause: error,
    });
  }
  return storage(error);
}

export class Appender {
  readonly #parts: AppenderParts;
  readonly #sequencer: BatchSequencer;
  readonly #pool: Pending[] = [];
  /** Everything that is pooled or being sequenced, by identity. */
  readonly #pending = new Map<string, Pending>();
  #edge: RightEdge | undefined;
  /** The head that the stored tree must at least have. */
  #reached: TreeHead | undefined;
  #pump: Promise<void> | undefined;
  #stopped: Fault | undefined;

  constructor(parts: AppenderParts) {
    this.#parts = parts;
    this.#sequencer = new BatchSequencer(parts.pool, parts.shard, parts.barrier);
  }

  /** Appends again after a stop. */
  resume(): void {
    this.#stopped = undefined;
  }

  /** Begins with an edge that has been proved against the stored root. */
  begin(edge: RightEdge): void {
    this.#edge = edge;
    this.#reached = edge.head;
  }

  /** Writes nothing more; whoever waits gets `fault`. */
  stop(fault: Fault): void {
    this.#stopped = fault;
  }

  /** Resolves once nothing waits any more. */
  async finished(): Promise<void> {
    while (this.#pump !== undefined) await this.#pump;
  }

  /** @throws {Fault} tree/overloaded, tree/storage, tree/frozen, or why it was stopped */
  sequence(leaf: NewLeaf): Promise<Sequenced> {
    const hash = leafHash(leaf.body);
    const identity = leaf.identity ?? hash;
    const key = toHex(identity);
    const twin = this.#pending.get(key);
    if (twin !== undefined) return twin.result.then((sequenced) => ({ ...sequenced, duplicate: true }));
    if (this.#pending.size >= this.#parts.maxWaiting) {
      this.#parts.metrics.overload();
      return Promise.reject(
        new Fault('unavailable', 'tree/overloaded', 'too many entries are waiting; retry', {
          retryAfterSeconds: 1,
        }),
      );
    }
    const { promise: result, resolve, reject } = Promise.withResolvers<Sequenced>();
    const pending: Pending = { leaf, leafHash: hash, identity, result, resolve, reject, attempts: 0 };
    this.#pending.set(key, pending);
    this.#pool.push(pending);
    this.#parts.metrics.waiting(this.#pending.size);
    this.#wake();
    return result;
  }

  #wake(): void {
    this.#pump ??= this.#work().finally(() => {
      this.#pump = undefined;
      if (this.#pool.length > 0) this.#wake();
    });
  }

  async #work(): Promise<void> {
    // Requests that arrive in the same turn of the event loop belong into the same batch.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#pool.length > 0) {
      const batch = this.#pool.splice(0, this.#parts.maxBatch);
      if (this.#stopped === undefined) await this.#append(batch);
      else this.#fail(batch, this.#stopped);
      this.#parts.metrics.waiting(this.#pending.size);
    }
  }

  async #append(batch: readonly Pending[]): Promise<void> {
    const { clock, metrics, committed } = this.#parts;
    const startedMs = clock.nowMs();
    const candidates = batch.map(({ leaf, leafHash: hash, identity, attempts }): Candidate => ({
      leaf,
      leafHash: hash,
      identity,
      perhapsCommitted: attempts > 0,
    }));
    try {
      await this.#parts.barrier('pooled');
      const { outcomes, edge, dirty } = await this.#sequencer.run(
        candidates,
        this.#edge,
        this.#reached,
        startedMs,
      );
      this.#edge = edge;
      this.#reached = edge.head;
      const fresh = outcomes.filter(({ timestampMs }) => timestampMs !== undefined).length;
      metrics.batch(fresh, outcomes.length - fresh, (clock.nowMs() - startedMs) / 1000, edge.head.size);
      await committed(edge, dirty);
      await this.#settle(batch, outcomes);
    } catch (error) {
      await this.#recover(batch, error);
    }
  }

  async #settle(batch: readonly Pending[], outcomes: readonly Outcome[]): Promise<void> {
    const old = outcomes.filter(({ timestampMs }) => timestampMs === undefined);
    const known = await this.#parts.leaves.stamps(old.map(({ index }) => index));
    batch.forEach((pending, at) => {
      this.#pending.delete(toHex(pending.identity));
      const outcome = outcomes[at];
      const stored =
        outcome?.timestampMs === undefined
          ? outcome && known.get(outcome.index)
          : { leafHash: pending.leafHash, timestampMs: outcome.timestampMs };
      if (outcome === undefined || stored === undefined) {
        pending.reject(new Fault('corrupt', 'tree/leaf-missing', 'the log names a leaf that is not stored'));
      } else {
        pending.resolve({ index: outcome.index, duplicate: outcome.duplicate, ...stored });
      }
    });
  }

  async #recover(batch: readonly Pending[], error: unknown): Promise<void> {
    const { logger, name, quarantine } = this.#parts;
    // Whatever we believed about the edge may be wrong now: the next batch reads and proves it again.
    this.#edge = undefined;
    if (error instanceof AmbiguousCommit) {
      logger.warn({ err: error, tree: name, leaves: batch.length }, 'COMMIT was ambiguous; looking again');
      const again: Pending[] = [];
      const given: Pending[] = [];
      for (const pending of batch) (++pending.attempts < ATTEMPTS ? again : given).push(pending);
      this.#fail(given, storage(error));
      this.#pool.unshift(...again);
      await new Promise((resolve) => setTimeout(resolve, ATTEMPT_PAUSE_MS));
      return;
    }
    const fault = faultOf(error);
    if (fault.kind === 'corrupt') quarantine(fault);
    else logger.error({ err: error, tree: name, leaves: batch.length }, 'a batch could not be written');
    this.#fail(batch, fault);
  }

  #fail(batch: readonly Pending[], fault: Fault): void {
    for (const pending of batch) {
      this.#pending.delete(toHex(pending.identity));
      pending.reject(fault);
    }
  }
}
