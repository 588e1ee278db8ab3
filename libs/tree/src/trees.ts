/**
 * Opens the trees of this process and closes them again.
 *
 * A tree whose row does not exist is born empty; that its key may have signed a larger one before is what the
 * self-check, the files of this host and the signing journal are for.
 */
import { join } from 'node:path';
import type { Pool } from 'pg';
import { Fault, isFault } from '#core/fault';
import { emptyRoot, type TreeHead } from '#core/merkle';
import type { Clock, HealthProbes, Logger, Metrics } from '#platform';
import type { Barrier, Step } from './barrier.js';
import type { CheckpointFormat } from './checkpoints.js';
import { bytea } from './copy-rows.js';
import type { WatchedTree } from './fsck/continuous-check.js';
import { TileFilesReader } from './fsck/read-tile-files.js';
import type { TreeRules } from './fsck/tree-rules.js';
import { HeadNotices } from './head-notices.js';
import { NO_JOURNAL } from './signing-memory.js';
import { TileFiles } from './tile-files.js';
import { Tree } from './tree.js';
import { TreeMetrics } from './tree-metrics.js';
import { sweepUndelivered } from './undelivered.js';

const SWEEP_EVERY_MS = 86_400_000;

export interface TreeSpec {
  /** `<face>/<shard>`: `rekor-v1/2026-1`, `ct/2026-1`. Names the tree for ever. */
  readonly name: string;
  /** What the checkpoints call it. */
  readonly origin: string;
  /** Rekor v1 only. */
  readonly treeId?: bigint;
  readonly format: CheckpointFormat;
  /** A newer shard has taken over: readable for ever, closed for writing. */
  readonly frozen?: boolean;
  readonly maxBatch?: number;
  readonly maxWaiting?: number;
  /** Shortest time between two checkpoints; default 0, as fast as the token signs. */
  readonly checkpointPauseMs?: number;
  /** Counts checkpoints as they are published. */
  readonly published?: () => void;
  /** What a check of the whole tree needs to know beyond the format. */
  readonly rules?: Omit<TreeRules, 'verifyCheckpoint'>;
  /** Told when a leaf cannot be proved in its own tree, which must never be. */
  readonly proofFailed?: () => void;
}

export interface TreesParts {
  readonly pool: Pool;
  /** Full tiles go below it: `<directory>/<name of the tree>/`. */
  readonly directory: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly health?: HealthProbes;
  /** See `TreeParts`; only an evaluation does. */
  readonly adoptUnknown?: boolean;
  /** For crash tests. */
  readonly barrier?: (step: Step, tree: string) => Promise<void> | void;
}

export class Trees {
  readonly #parts: TreesParts;
  readonly #notices: HeadNotices;
  readonly #trees = new Map<string, Tree>();
  readonly #watched: WatchedTree[] = [];
  readonly #isolated: { readonly name: string; readonly fault: Fault }[] = [];
  readonly #sweep: NodeJS.Timeout;
  #tellIsolated: ((name: string, fault: Fault) => void) | undefined;

  constructor(parts: TreesParts) {
    this.#parts = parts;
    this.#notices = new HeadNotices(parts.pool, parts.logger);
    this.#sweep = setInterval(() => {
      sweepUndelivered(parts.pool).catch((err: unknown) =>
        parts.logger.warn({ err }, 'old notes of answers that did not arrive could not be removed'),
      );
    }, SWEEP_EVERY_MS).unref();
  }

  /** @throws {Fault} tree/identity-changed if the name is taken by a tree with another origin or number */
  async open(spec: TreeSpec): Promise<Tree> {
    const { pool, clock, logger, metrics, directory } = this.#parts;
    const shard = await this.#register(spec);
    const barrier: Barrier = (step) => this.#parts.barrier?.(step, spec.name);
    const tree = await Tree.open({
      name: spec.name,
      shard,
      frozen: spec.frozen ?? false,
      pool,
      files: await TileFiles.open(join(directory, spec.name), clock.nowMs(), barrier),
      format: spec.format,
      clock,
      logger,
      metrics: new TreeMetrics(metrics, spec.name),
      barrier,
      maxBatch: spec.maxBatch ?? 512,
      maxWaiting: spec.maxWaiting ?? 4096,
      checkpointPauseMs: spec.checkpointPauseMs ?? 0,
      published: spec.published ?? (() => undefined),
      proofFailed: spec.proofFailed ?? (() => undefined),
      adoptUnknown: this.#parts.adoptUnknown ?? false,
      isolated: (fault) => {
        if (this.#tellIsolated === undefined) this.#isolated.push({ name: spec.name, fault });
        else this.#tellIsolated(spec.name, fault);
      },
    });
    this.#trees.set(spec.name, tree);
    const rules: TreeRules = {
      ...spec.rules,
      verifyCheckpoint: (note, head) => spec.format.verify(note, head),
    };
    this.#watched.push({
      under: { name: spec.name, shard, rules, files: new TileFilesReader(join(directory, spec.name)) },
      distrust: (fault) => tree.distrust(fault),
    });
    await this.#notices.listen(shard, () => {
      tree
        .look()
        .catch((err: unknown) => logger.warn({ err, tree: spec.name }, 'could not read a new checkpoint'));
    });
    this.#parts.health?.add(`log ${spec.name}`, () => {
      if (tree.quarantine !== undefined) throw tree.quarantine;
      return { size: tree.size.toString() };
    });
    return tree;
  }

  /**
   * Adopts `head` for the one tree that waits for it, told by its root: operators need not name it.
   *
   * @throws {Fault} tree/not-waiting, or why the only tree that waits does not continue it
   */
  async adopt(head: TreeHead): Promise<Tree> {
    const waiting = [...this.#trees.values()].filter(({ quarantine }) => quarantine?.code === NO_JOURNAL);
    const refusals: Fault[] = [];
    for (const tree of waiting) {
      try {
        await tree.adopt(head);
        return tree;
      } catch (error) {
        if (!isFault(error)) throw error;
        refusals.push(error);
      }
    }
    const [only] = refusals;
    if (only !== undefined && refusals.length === 1) throw only;
    throw new Fault(
      'conflict',
      'tree/not-waiting',
      waiting.length === 0
        ? 'no log of this appliance waits for a head to be adopted'
        : `none of the ${waiting.length} logs that wait has this root at this size; copy both from a checkpoint of another replica`,
    );
  }

  /** Every tree that is open in this process. */
  all(): readonly Tree[] {
    return [...this.#trees.values()];
  }

  /** Every open tree, as whoever checks it needs it. */
  watched(): readonly WatchedTree[] {
    return this.#watched;
  }

  /** Tells of every tree that goes into quarantine, also of those that did before anybody listened. */
  whenIsolated(tell: (name: string, fault: Fault) => void): void {
    this.#tellIsolated = tell;
    for (const { name, fault } of this.#isolated.splice(0)) tell(name, fault);
  }

  async close(): Promise<void> {
    clearInterval(this.#sweep);
    this.#notices.close();
    await Promise.all([...this.#trees.values()].map((tree) => tree.close()));
    this.#trees.clear();
  }

  async #register({ name, origin, treeId, frozen }: TreeSpec): Promise<number> {
    const { pool } = this.#parts;
    const id = treeId === undefined ? null : treeId.toString();
    // Replicas start together: whoever comes second finds the row of the first.
    await pool.query(
      `WITH born AS (
         INSERT INTO log_shard (name, tree_id, origin)
         SELECT $1, $2, $3 WHERE NOT EXISTS (SELECT 1 FROM log_shard WHERE name = $1)
         ON CONFLICT (name) DO NOTHING RETURNING id)
       INSERT INTO log_head (shard, size, root) SELECT id, 0, $4 FROM born`,
      [name, id, origin, bytea(emptyRoot())],
    );
    const { rows } = await pool.query<{ id: number; tree_id: string | null; origin: string; state: string }>(
      'SELECT id, tree_id, origin, state FROM log_shard WHERE name = $1',
      [name],
    );
    const [row] = rows;
    if (row === undefined || row.tree_id !== id || row.origin !== origin) {
      throw new Fault(
        'corrupt',
        'tree/identity-changed',
        `the database knows ${name} under another origin or tree number; the trust material and the database do not belong together`,
      );
    }
    if (frozen === true && row.state !== 'frozen') {
      // Under the lock of the head: a batch of another replica comes before this in whole, or not at all.
      await pool.query(
        `UPDATE log_shard SET state = 'frozen'
           FROM (SELECT shard FROM log_head WHERE shard = $1 FOR UPDATE) AS held WHERE id = held.shard`,
        [row.id],
      );
    }
    return row.id;
  }
}
