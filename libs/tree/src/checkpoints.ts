/**
 * Checkpoints of one tree: sign what is committed, show what is signed, answer who waits.
 *
 *   1. announce  the database's head to the signing side, once; who has signed a larger one refuses here. And the
 *                head must continue what we published last, also if the database was taken back under us
 *   2. sign      the newest committed head, never more than one signature in flight; heads that were committed
 *                meanwhile are covered together by the next one. One that another replica has outgrown is not signed:
 *                the database is read again, announced, and its head signed instead
 *   3. check     the signed text must read back as this very head under the log's own key
 *   4. store     in PostgreSQL, where no second root for one size and nothing uncommitted gets in
 *   5. publish   full tiles and bundles as files, then the newest head beside them
 *   6. release   everyone whose leaf the published checkpoint covers, here and (by NOTIFY) on other replicas
 *
 * Another replica may have stored a larger one by the time ours arrives; then that one is published instead, and
 * it covers ours.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Pool } from 'pg';
import { Fault, isFault } from '#core/fault';
import type { TreeHead } from '#core/merkle';
import { equalOctets } from '#core/octets';
import type { Clock, Logger } from '#platform';
import type { Barrier } from './barrier.js';
import { bytea } from './copy-rows.js';
import type { SignedHead } from './leaf.js';
import { NO_JOURNAL, type SigningMemory } from './signing-memory.js';

/** How one face spells and signs its checkpoints. */
export interface CheckpointFormat {
  /** Signs; resolves to the whole checkpoint as it is served. */
  sign(head: TreeHead & { readonly timestampMs: bigint }): Promise<string>;
  /** @throws {Fault} unless `note` is this log's signed checkpoint of exactly `head` */
  verify(note: string, head: TreeHead): void;
  /** Absent only where nothing but this process remembers: in specs. */
  readonly memory?: SigningMemory | undefined;
}

/** Channel on which replicas tell each other of new checkpoints; payload: `<shard> <size>`. */
export const CHANNEL = 'airseal_tree';

/** Who waits longer than this for a signature is told to come back. */
const PATIENCE_MS = 10_000;
const RETRY_MS = 250;

/** What the signing side says to a head that it must hear of again first. */
const ANNOUNCE_AGAIN: ReadonlySet<string> = new Set(['hsm/head-unannounced', 'hsm/head-outgrown']);
/** Others cannot outgrow us for ever: each time takes them a signature. */
const ATTEMPTS = 8;

interface Waiter {
  readonly index: bigint;
  readonly resolve: (head: SignedHead) => void;
  readonly reject: (fault: Fault) => void;
  readonly timer: NodeJS.Timeout;
}

export interface CheckpointParts {
  readonly pool: Pool;
  readonly shard: number;
  readonly format: CheckpointFormat;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly barrier: Barrier;
  /** Shortest time between two signatures; 0 signs as fast as the token does. */
  readonly pauseMs: number;
  /** Writes what a newly published head makes full. Rejecting delays nothing: files are derived. */
  readonly publish: (head: SignedHead) => Promise<void>;
  /**
   * Tells the signing side of the database's head; resolves to the head that was announced, which is larger than
   * `head` if another replica has been at work since that was read.
   *
   * @throws {Fault} corrupt, tree/no-journal: the tree must stop
   */
  readonly announce: (head: TreeHead) => Promise<TreeHead>;
  /** Reads the database's head. @throws {Fault} corrupt */
  readonly committed: () => Promise<TreeHead>;
  /** @throws {Fault} corrupt unless `head` is proved to continue `earlier` */
  readonly assertContinues: (earlier: TreeHead, head: TreeHead) => Promise<void>;
  /** Called with a contradiction in our own state: the tree must stop. */
  readonly quarantine: (fault: Fault) => void;
  readonly signed: (seconds: number) => void;
}

export class Checkpoints {
  readonly #parts: CheckpointParts;
  readonly #waiters = new Set<Waiter>();
  #newest: SignedHead | undefined;
  #committed: TreeHead | undefined;
  #working: Promise<void> | undefined;
  #signing: Promise<void> = Promise.resolve();
  #stopped = false;
  #announced = false;
  #stopping = new AbortController();

  constructor(parts: CheckpointParts) {
    this.#parts = parts;
  }

  get newest(): SignedHead | undefined {
    return this.#newest;
  }

  /** Tells of a committed head; a checkpoint of it (or of a larger one) will follow. */
  committed(head: TreeHead): void {
    if (this.#committed !== undefined && this.#committed.size >= head.size) return;
    this.#committed = head;
    this.#wake();
  }

  /** Tells the signing side of the database's head, before anything is signed; resolves to what is the head now. */
  async announce(head: TreeHead): Promise<TreeHead> {
    const announced = await this.#parts.announce(head);
    this.#announced = true;
    return announced;
  }

  /** Signs the committed head again although the tree has not grown: a fresh timestamp, a boundary. */
  async renew(): Promise<SignedHead> {
    const head = this.#committed;
    if (head === undefined) throw new Fault('absent', 'tree/empty', 'nothing has been committed yet');
    try {
      await this.#make(head);
    } catch (error) {
      if (isFault(error) && error.kind === 'corrupt') this.#parts.quarantine(error);
      throw error;
    }
    if (this.#newest === undefined)
      throw new Fault('unavailable', 'tree/no-checkpoint', 'no checkpoint could be made');
    return this.#newest;
  }

  /** The published checkpoint that covers leaf `index`, as soon as there is one. */
  covering(index: bigint): Promise<SignedHead> {
    const newest = this.#newest;
    if (newest !== undefined && newest.size > index) return Promise.resolve(newest);
    if (this.#stopped) {
      return Promise.reject(
        new Fault('unavailable', 'tree/stopped', 'this log signs nothing now; the operator knows why'),
      );
    }
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        index,
        resolve,
        reject,
        timer: setTimeout(() => {
          this.#waiters.delete(waiter);
          reject(
            new Fault(
              'unavailable',
              'tree/no-checkpoint',
              'stored, but not yet signed; ask again in a moment',
              {
                retryAfterSeconds: 2,
              },
            ),
          );
        }, PATIENCE_MS),
      };
      this.#waiters.add(waiter);
    });
  }

  /** Reads the newest stored checkpoint, if it is newer than the one we know. */
  async reload(): Promise<SignedHead | undefined> {
    const { rows } = await this.#parts.pool.query<{
      size: string;
      root: Buffer;
      note: string;
      signed_ms: string;
    }>(
      `SELECT size, root, note, signed_ms FROM log_checkpoint WHERE shard = $1
        ORDER BY size DESC, signed_ms DESC LIMIT 1`,
      [this.#parts.shard],
    );
    const [row] = rows;
    if (row === undefined) return undefined;
    const head: SignedHead = {
      size: BigInt(row.size),
      root: row.root,
      note: row.note,
      timestampMs: BigInt(row.signed_ms),
    };
    const known = this.#newest;
    // By size first: the clocks of two replicas may differ.
    const older =
      known !== undefined &&
      (known.size === head.size ? known.timestampMs >= head.timestampMs : known.size > head.size);
    return older ? known : head;
  }

  /** Serves `head`, which has been checked, before it is known whether anything may be written. */
  present(head: SignedHead): void {
    this.#newest ??= head;
  }

  /** Makes `head`, which is stored, the one that we serve. */
  async show(head: SignedHead): Promise<void> {
    try {
      await this.#parts.publish(head);
    } catch (err) {
      if (isFault(err) && err.kind === 'corrupt') {
        this.#parts.quarantine(err);
        return;
      }
      this.#parts.logger.error(
        { err },
        'tiles could not be written as files; they are served from the database',
      );
    }
    await this.#parts.barrier('published');
    const known = this.#newest;
    if (known !== undefined && known.size === head.size && !equalOctets(known.root, head.root)) {
      this.#parts.quarantine(
        new Fault('corrupt', 'tree/fork', `two signed roots for a tree of ${head.size}`),
      );
      return;
    }
    // Another replica may have been ahead of our signature: what we serve never becomes smaller.
    const renewed = known !== undefined && head.size === known.size && head.timestampMs > known.timestampMs;
    if (known === undefined || head.size > known.size || renewed) this.#newest = head;
    for (const waiter of this.#waiters) {
      if (waiter.index >= head.size) continue;
      this.#waiters.delete(waiter);
      clearTimeout(waiter.timer);
      waiter.resolve(head);
    }
  }

  /** Signs nothing more; whoever waits gets `fault`. */
  stop(fault: Fault): void {
    this.#stopped = true;
    this.#stopping.abort();
    for (const waiter of this.#waiters) {
      clearTimeout(waiter.timer);
      waiter.reject(fault);
    }
    this.#waiters.clear();
  }

  /** Signs again after a stop. */
  resume(): void {
    this.#stopped = false;
    this.#stopping = new AbortController();
  }

  /** Resolves once no signature is in flight any more. */
  async settled(): Promise<void> {
    await this.#working;
    await this.#signing;
  }

  #behind(): TreeHead | undefined {
    const committed = this.#committed;
    if (this.#stopped || committed === undefined) return undefined;
    return this.#newest !== undefined && this.#newest.size >= committed.size ? undefined : committed;
  }

  #wake(): void {
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
      // What was committed between the last look and now would otherwise wait for the next batch.
      if (this.#behind() !== undefined) this.#wake();
    });
  }

  async #work(): Promise<void> {
    for (let head = this.#behind(); head !== undefined; head = this.#behind()) {
      let pauseMs = this.#parts.pauseMs;
      try {
        await this.#make(head);
      } catch (err) {
        if (isFault(err) && (err.kind === 'corrupt' || err.code === NO_JOURNAL)) {
          this.#parts.quarantine(err);
          return;
        }
        this.#parts.logger.error(
          { err, size: head.size.toString() },
          'no checkpoint could be made; trying again',
        );
        pauseMs = Math.max(pauseMs, RETRY_MS);
      }
      // A stop ends the pause; nothing is signed after it.
      if (pauseMs > 0)
        await pause(pauseMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
    }
  }

  /**
   * Signs `head`, or the one that has outgrown it. Announces the tree where that has not been done, or was to another
   * agent than the one that signs now, or is not true any more.
   */
  async #sign(wanted: TreeHead, timestampMs: bigint): Promise<TreeHead & { readonly note: string }> {
    const { format, committed, assertContinues } = this.#parts;
    let head = wanted;
    for (let attempt = 1; ; attempt++) {
      // What is read after we knew of this checkpoint and is still smaller has been taken back.
      const newest = this.#newest;
      if (newest !== undefined && newest.size > head.size) head = await committed();
      if (!this.#announced) head = await this.announce(head);
      if (newest !== undefined) await assertContinues(newest, head);
      try {
        return { ...head, note: await format.sign({ ...head, timestampMs }) };
      } catch (error) {
        if (!isFault(error) || !ANNOUNCE_AGAIN.has(error.code) || attempt === ATTEMPTS) throw error;
        this.#announced = false;
      }
    }
  }

  /** Waits its turn: whoever asks, there is one signature in flight. */
  #make(head: TreeHead): Promise<void> {
    const made = this.#signing.then(() => this.#makeNow(head));
    this.#signing = made.catch(() => undefined);
    return made;
  }

  async #makeNow(wanted: TreeHead): Promise<void> {
    if (this.#stopped)
      throw new Fault('unavailable', 'tree/stopped', 'this log signs nothing now; the operator knows why');
    const { pool, shard, format, clock, barrier } = this.#parts;
    const startedMs = clock.nowMs();
    const last = this.#newest?.timestampMs ?? 0n;
    const timestampMs = BigInt(startedMs) > last ? BigInt(startedMs) : last + 1n;
    const head = await this.#sign(wanted, timestampMs);
    const { note } = head;
    format.verify(note, head);
    this.#parts.signed((clock.nowMs() - startedMs) / 1000);
    await barrier('signed');
    const { rowCount } = await pool.query(
      `WITH stored AS (
         INSERT INTO log_checkpoint (shard, size, signed_ms, root, note) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT DO NOTHING RETURNING size)
       SELECT pg_notify('${CHANNEL}', $1::int || ' ' || size) FROM stored`,
      [shard, head.size.toString(), timestampMs.toString(), bytea(head.root), note],
    );
    await barrier('checkpoint');
    const stored = rowCount === 1 ? { ...head, note, timestampMs } : await this.reload();
    if (stored === undefined || stored.size < head.size) {
      throw new Fault('unavailable', 'tree/no-checkpoint', 'the checkpoint was not stored');
    }
    await this.show(stored);
  }
}
