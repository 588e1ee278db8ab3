/**
 * One append-only log: leaves go in, proofs under signed checkpoints come out.
 *
 * An append is answered only when the leaf is durable, a signed checkpoint that covers it is durable and
 * published, and the proof we hand out has been verified against that checkpoint by us. Each replica pools its
 * own requests; while one batch is being committed the next one gathers, so load makes batches larger, not
 * answers slower.
 *
 * A contradiction in our own state (an edge that does not lead to the stored root, two roots for one size, a
 * published file with another content) puts the tree into quarantine: it goes on answering what it can prove and
 * never appends or signs again until an operator has looked. Nothing is ever repaired in silence.
 *
 * So does a database that knows less than was signed before, as published files, this host's signing journal or the
 * token remember it; and a host that has no journal for a tree with leaves reads until an operator has adopted one.
 *
 * Long because it is the one place in which a tree is open, quarantined or closed; what it does in each stands elsewhere.
 */
import { Fault, isFault } from '#core/fault';
import {
  consistencyNodes,
  consistencyProof,
  inclusionNodes,
  inclusionProof,
  rootNodes,
  rootOf,
  verifyInclusion,
  type TreeHead,
} from '#core/merkle';
import { MAX_ENTRY_BYTES, TILE_WIDTH, tileWidth, formatBundle } from '#core/tile';
import { announceHead } from './announce-head.js';
import { Appender } from './appender.js';
import { Attachments } from './attachments.js';
import { cutHead, readHead } from './cut-head.js';
import { Checkpoints } from './checkpoints.js';
import type { Appended, NewLeaf, Sequenced, SignedHead, StoredLeaf } from './leaf.js';
import { sampleTiles } from './fsck/sample-tiles.js';
import { readStop } from './fsck/verification-store.js';
import { Publication } from './publication.js';
import { StoredLeaves } from './stored-leaves.js';
import { TileRows } from './tile-rows.js';
import { TreeIndex } from './tree-index.js';
import type { TreeParts } from './tree-parts.js';
import {
  assertContinues,
  assertContinuesFiles,
  checkTree,
  type Checked,
  proveContinues,
} from './self-check.js';
import { NO_JOURNAL } from './signing-memory.js';
import { Undelivered } from './undelivered.js';

function closing(): Fault {
  return new Fault('unavailable', 'tree/closing', 'the log is shutting down', { retryAfterSeconds: 5 });
}

export class Tree {
  readonly name: string;
  readonly shard: number;
  readonly frozen: boolean;
  /** Appends whose answer did not reach the client. */
  readonly undelivered: Undelivered;
  /** By which keys leaves are found. */
  readonly index: TreeIndex;
  /** What is kept beside leaves. */
  readonly attachments: Attachments;
  readonly #parts: TreeParts;
  readonly #rows: TileRows;
  readonly #leaves: StoredLeaves;
  readonly #appender: Appender;
  readonly #checkpoints: Checkpoints;
  readonly #publication: Publication;
  #quarantine: Fault | undefined;
  #closed = false;

  private constructor(parts: TreeParts) {
    this.name = parts.name;
    this.shard = parts.shard;
    this.frozen = parts.frozen;
    this.undelivered = new Undelivered(parts.pool, parts.shard, parts.logger);
    this.index = new TreeIndex(parts.pool, parts.shard);
    this.attachments = new Attachments(parts.pool, parts.shard);
    this.#parts = parts;
    this.#rows = new TileRows(parts.pool, parts.shard);
    this.#leaves = new StoredLeaves(parts.pool, parts.shard);
    this.#appender = new Appender({
      ...parts,
      leaves: this.#leaves,
      committed: async (edge, dirty) => {
        this.#rows.adopt(dirty);
        await parts.barrier('committed');
        this.#checkpoints.committed(edge.head);
      },
      quarantine: (fault) => this.#isolate(fault),
    });
    this.#publication = new Publication(parts.pool, parts.shard, this.#rows, parts.files);
    this.#checkpoints = new Checkpoints({
      pool: parts.pool,
      shard: parts.shard,
      format: parts.format,
      clock: parts.clock,
      logger: parts.logger,
      barrier: parts.barrier,
      pauseMs: parts.checkpointPauseMs,
      publish: async (head) => {
        parts.metrics.published(head.size, head.timestampMs);
        await this.#publication.publish(head);
        parts.published();
      },
      announce: (head) => announceHead(parts, this.#rows, head),
      committed: () => readHead(parts.pool, parts.shard),
      assertContinues: (earlier, head) => proveContinues(head, this.#rows, earlier),
      quarantine: (fault) => this.#isolate(fault),
      signed: (seconds) => parts.metrics.signed(seconds),
    });
  }

  /**
   * Opens a tree whose rows exist: checks it, signs what was committed but never signed, and catches up with its
   * files. A tree that contradicts itself opens in quarantine.
   */
  static async open(parts: TreeParts): Promise<Tree> {
    const tree = new Tree(parts);
    try {
      const { edge, newest } = await tree.#check();
      tree.#appender.begin(edge);
      const refusal = await tree.#introduce(edge.head, newest);
      if (newest !== undefined) await tree.#checkpoints.show(newest);
      // What was committed and never covered was never answered either: its clients will come again.
      await tree.undelivered.noteFrom(newest?.size ?? 0n);
      if (refusal === undefined) await tree.#signCommitted(edge.head);
      else tree.#isolate(refusal);
    } catch (error) {
      if (!isFault(error) || error.kind !== 'corrupt') throw error;
      tree.#isolate(error);
    }
    tree.#catchUp();
    return tree;
  }

  /**
   * Lets this host sign for a tree that it has never signed for: an operator has read `head` from another replica
   * or from paper, and the database continues it.
   *
   * @throws {Fault} tree/not-waiting, tree/rolled-back, tree/forked, hsm/…
   */
  async adopt(head: TreeHead): Promise<void> {
    const { memory } = this.#parts.format;
    if (this.#quarantine?.code !== NO_JOURNAL || memory === undefined) {
      throw new Fault('conflict', 'tree/not-waiting', 'this log does not wait for a head to be adopted');
    }
    const { edge } = await this.#check();
    await assertContinues(edge.head, this.#rows, head, 'the head that you name');
    await memory.adopt(head);
    const refusal = await this.#introduce(edge.head, undefined);
    if (refusal !== undefined) throw refusal;
    const found = this.quarantine;
    if (found !== undefined && found.code !== NO_JOURNAL) throw found;
    this.#quarantine = undefined;
    this.#parts.metrics.released(NO_JOURNAL);
    this.#appender.resume();
    this.#appender.begin(edge);
    this.#checkpoints.resume();
    await this.#signCommitted(edge.head);
    this.#parts.logger.warn(
      { tree: this.name, size: head.size.toString() },
      'the signing journal of this host was begun at a head that an operator gave',
    );
    this.#catchUp();
  }

  /** Stops appending and signing: somebody has found that this tree contradicts itself. */
  distrust(fault: Fault): void {
    this.#isolate(fault);
  }

  /** Why this tree refuses to grow, if it does. */
  get quarantine(): Fault | undefined {
    return this.#quarantine;
  }

  /**
   * Gives `leaf` its place; resolves once that is durable, before any checkpoint covers it.
   *
   * @throws {Fault} tree/frozen, tree/entry-too-large, tree/overloaded, tree/storage, or why it is in quarantine
   */
  sequence(leaf: NewLeaf): Promise<Sequenced> {
    if (this.#quarantine !== undefined) return Promise.reject(this.#quarantine);
    if (this.frozen) {
      return Promise.reject(new Fault('refused', 'tree/frozen', 'this log is frozen; use the newest one'));
    }
    if (this.#closed) return Promise.reject(closing());
    if (leaf.body.length === 0 || leaf.body.length > MAX_ENTRY_BYTES) {
      return Promise.reject(
        new Fault(
          'malformed',
          'tree/entry-too-large',
          `an entry has 1 to ${MAX_ENTRY_BYTES} octets in canonical form`,
        ),
      );
    }
    return this.#appender.sequence(leaf);
  }

  /** Waits for a published checkpoint over a sequenced leaf, and proves the leaf against it. */
  async cover(sequenced: Sequenced): Promise<Appended> {
    const head = await this.#checkpoints.covering(sequenced.index);
    const proof = await this.#prove(sequenced.index, sequenced.leafHash, head);
    return { ...sequenced, head, proof };
  }

  /** Appends `leaf`; resolves once a published checkpoint covers it. Faults as `sequence`. */
  async append(leaf: NewLeaf): Promise<Appended> {
    return await this.cover(await this.sequence(leaf));
  }

  /** The published checkpoint. @throws {Fault} tree/empty before the first one */
  head(): SignedHead {
    const head = this.#checkpoints.newest;
    if (head === undefined) throw new Fault('absent', 'tree/empty', 'this log has no checkpoint yet');
    return head;
  }

  /** Leaves under the published checkpoint. */
  get size(): bigint {
    return this.#checkpoints.newest?.size ?? 0n;
  }

  /** Signs the committed head again, with the time of now, although nothing was appended. */
  renew(): Promise<SignedHead> {
    if (this.#quarantine !== undefined) return Promise.reject(this.#quarantine);
    return this.#checkpoints.renew();
  }

  /**
   * A checkpoint that divides time: every leaf that is stamped before `atMs` is under it, and whatever comes after
   * it is stamped `atMs` or later. `atMs` must not lie in the future. A frozen tree answers its last checkpoint.
   *
   * @throws {Fault} tree/empty, tree/stopped, tree/no-checkpoint, or why it is in quarantine
   */
  async cut(atMs: bigint): Promise<SignedHead> {
    if (this.#quarantine !== undefined) throw this.#quarantine;
    if (this.frozen) return this.head();
    try {
      const head = await cutHead(this.#parts.pool, this.shard, atMs);
      this.#checkpoints.committed(head);
      return await this.#checkpoints.renew();
    } catch (error) {
      if (isFault(error) && error.kind === 'corrupt') this.#isolate(error);
      throw error;
    }
  }

  /** Leaf `index`, if the published checkpoint covers it. */
  async leaf(index: bigint): Promise<StoredLeaf | undefined> {
    const [leaf] = await this.leaves(index, index + 1n);
    return leaf;
  }

  /** The body of a sequenced leaf, also before a checkpoint covers it. */
  body(index: bigint): Promise<Uint8Array | undefined> {
    return this.#leaves.body(index);
  }

  /** Leaves `start` up to but not including `end`, as far as the published checkpoint covers them. */
  async leaves(start: bigint, end: bigint): Promise<StoredLeaf[]> {
    const stop = end < this.size ? end : this.size;
    return start < 0n || start >= stop ? [] : await this.#leaves.range(start, stop);
  }

  /** Index of the leaf with this hash (or this identity), if the published checkpoint covers it. */
  async findByHash(hash: Uint8Array): Promise<bigint | undefined> {
    const index = await this.#leaves.find(hash);
    return index !== undefined && index < this.size ? index : undefined;
  }

  /** Published leaves with any (`or`) or all (`and`) of these search keys, oldest first, at most `limit`. */
  async search(
    keys: readonly string[],
    operator: 'and' | 'or',
    limit = 10_000,
  ): Promise<{ index: bigint; leafHash: Uint8Array }[]> {
    return await this.#leaves.search(keys, operator, this.size, limit);
  }

  /** The root of the first `size` leaves. @throws {Fault} tree/beyond-head */
  async rootAt(size: bigint): Promise<Uint8Array> {
    this.#assertPublished(size);
    return rootOf(size, await this.#rows.reader(rootNodes(size)));
  }

  /** @throws {Fault} tree/beyond-head, merkle/out-of-range */
  async inclusion(index: bigint, size: bigint): Promise<Uint8Array[]> {
    this.#assertPublished(size);
    return inclusionProof(index, size, await this.#rows.reader(inclusionNodes(index, size)));
  }

  /** @throws {Fault} tree/beyond-head, merkle/out-of-range */
  async consistency(first: bigint, second: bigint): Promise<Uint8Array[]> {
    this.#assertPublished(second);
    return consistencyProof(first, second, await this.#rows.reader(consistencyNodes(first, second)));
  }

  /** Proves a leaf against the published checkpoint, as an append would. */
  async prove(index: bigint, hash: Uint8Array): Promise<{ head: SignedHead; proof: readonly Uint8Array[] }> {
    const head = this.head();
    return { head, proof: await this.#prove(index, hash, head) };
  }

  /** The first `width` hashes of a tile, if the published checkpoint covers them. */
  async tile(level: number, n: bigint, width: number): Promise<Uint8Array | undefined> {
    if (width > tileWidth(level, n, this.size)) return undefined;
    if (width === TILE_WIDTH) {
      const file = await this.#parts.files.read(level, n);
      if (file !== undefined) return file;
    }
    return (await this.#rows.tile(level, n, width))?.bytes(width);
  }

  /** The first `width` entries of a bundle, if the published checkpoint covers them. */
  async bundle(n: bigint, width: number): Promise<Uint8Array | undefined> {
    if (width > tileWidth(0, n, this.size)) return undefined;
    if (width === TILE_WIDTH) {
      const file = await this.#parts.files.read('entries', n);
      if (file !== undefined) return file;
    }
    const start = n * BigInt(TILE_WIDTH);
    return formatBundle(await this.#publication.bodies(start, start + BigInt(width)));
  }

  /** Looks for a checkpoint that another replica may have stored. */
  async look(): Promise<void> {
    // A host that may not sign yet follows those that may.
    const reads = this.#quarantine === undefined || this.#quarantine.code === NO_JOURNAL;
    if (!reads || this.#closed) return;
    const head = await this.#checkpoints.reload();
    if (head !== undefined && head !== this.#checkpoints.newest) await this.#checkpoints.show(head);
  }

  /** Finishes what is pooled, then stops. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#appender.finished();
    this.#checkpoints.stop(closing());
    await this.#checkpoints.settled();
  }

  async #prove(index: bigint, hash: Uint8Array, head: SignedHead): Promise<readonly Uint8Array[]> {
    const proof = inclusionProof(index, head.size, await this.#rows.reader(inclusionNodes(index, head.size)));
    try {
      verifyInclusion(hash, index, proof, head);
    } catch (cause) {
      const fault = new Fault(
        'corrupt',
        'tree/proof-mismatch',
        `leaf ${index} is not provable in its own log`,
        { cause },
      );
      this.#parts.proofFailed();
      this.#isolate(fault);
      throw fault;
    }
    return proof;
  }

  #assertPublished(size: bigint): void {
    if (size < 0n || size > this.size) {
      throw new Fault('absent', 'tree/beyond-head', `the log has ${this.size} leaves, not ${size}`);
    }
  }

  #isolate(fault: Fault): void {
    const before = this.#quarantine;
    // A tree that only waits for a head to be adopted may turn out to contradict itself, and then waits for nothing.
    const graver = before?.code === NO_JOURNAL && fault.kind === 'corrupt';
    if (before !== undefined && !graver) return;
    if (before !== undefined) this.#parts.metrics.released(before.code);
    this.#quarantine = fault;
    this.#parts.metrics.quarantined(fault.code);
    this.#parts.logger.fatal({ err: fault, tree: this.name }, 'the log refuses to grow');
    this.#appender.stop(fault);
    this.#checkpoints.stop(fault);
    this.#parts.isolated(fault);
  }

  /** Checks what is stored. @throws {Fault} of kind corrupt */
  async #check(): Promise<Checked> {
    const { pool, files } = this.#parts;
    // Before the database, or what another replica publishes meanwhile would look like a later tree.
    const remembered = await files.remembered();
    const checked = await checkTree(this.#parts, this.#rows);
    // Signed and proved: that is read, whatever is found next. Nothing is written for it before.
    if (checked.newest !== undefined) this.#checkpoints.present(checked.newest);
    await assertContinuesFiles(checked.edge.head, this.#rows, remembered);
    // Found before this start, on whichever replica: it stands, and the next signature would vouch for it.
    const noted = await readStop(pool, this.shard);
    if (noted !== undefined) throw noted;
    await sampleTiles(pool, this.shard, files, checked.edge.head.size);
    return checked;
  }

  /**
   * Announces a tree that is being opened; answers why it cannot be signed for on this host, if that is so.
   *
   * @throws {Fault} of kind corrupt: the database has been taken back
   */
  async #introduce(head: TreeHead, newest: TreeHead | undefined): Promise<Fault | undefined> {
    // A shard that has ended is not signed for any more, unless its end was never covered.
    if (this.frozen && newest !== undefined && newest.size >= head.size) return undefined;
    try {
      await this.#checkpoints.announce(head);
    } catch (err) {
      if (!isFault(err) || err.kind !== 'unavailable') throw err;
      if (err.code === NO_JOURNAL) return err;
      this.#parts.logger.warn({ err, tree: this.name }, 'opened before it could be signed for');
    }
    return undefined;
  }

  /** Doors open on a tree whose committed leaves are all covered; a token that is away does not stop the start. */
  async #signCommitted(head: TreeHead): Promise<void> {
    this.#checkpoints.committed(head);
    try {
      await this.#checkpoints.covering(head.size - 1n);
    } catch (err) {
      if (!isFault(err) || err.kind !== 'unavailable') throw err;
      this.#parts.logger.warn({ err, tree: this.name }, 'opened before its newest leaves could be signed');
    }
  }

  #catchUp(): void {
    const head = this.#checkpoints.newest;
    // Files that remember a larger tree are evidence, and stay as they are.
    if (head === undefined || this.#closed || this.#quarantine?.kind === 'corrupt') return;
    this.#publication
      .publish(head)
      .then((whole) => {
        if (!whole) this.#catchUp();
      })
      .catch((err: unknown) => {
        if (isFault(err) && err.kind === 'corrupt') this.#isolate(err);
        else if (!this.#closed)
          this.#parts.logger.error({ err, tree: this.name }, 'old tiles could not be written as files');
      });
  }
}
