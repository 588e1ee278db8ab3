/**
 * The log as Rekor v1 shows it: one URL for ever, shards behind it, entries numbered through all of them.
 *
 * How an entry comes in:
 *
 *   1. check     parse, canonicalise, verify every signature, in a worker thread
 *   2. sequence  the leaf, its search keys, its attestation and its envelope become durable together
 *   3. promise   the signed entry timestamp is made and stored, while a checkpoint over the leaf is being signed;
 *                left out where the settings say so
 *   4. prove     the answer carries a proof that the tree has verified against that checkpoint
 *
 * A crash after 2 loses no entry: the client's retry is told where it is, and the look-up makes what is missing.
 */
import { Fault } from '#core/fault';
import type { JsonValue } from '#core/json';
import { toHex } from '#core/octets';
import type { Signer } from '#hsm';
import type { Sequenced, SignedHead, StoredLeaf, Tree } from '#tree';
import type { CheckedEntry, EntryChecker } from '../checked-entry.js';
import { formatEntryId, parseEntryId, type EntryId } from './entry-id.js';
import type { EntryPromises } from './entry-promises.js';
import type { SetStore } from './set-store.js';
import { formatV1Entry, jsonNumber, setPayload } from './v1-answer.js';

export interface V1Shard {
  readonly treeId: bigint;
  readonly tree: Tree;
  readonly signer: Signer;
  /** Hex SHA-256 of the key. */
  readonly logId: string;
  readonly sets: SetStore;
  /** Entries in all older shards. */
  readonly offset: bigint;
}

/** An entry as it is answered, compact JSON without the final newline. */
export interface V1Answer {
  readonly entryId: string;
  readonly json: string;
}

export class V1Log {
  readonly #shards: readonly V1Shard[];
  readonly #active: V1Shard;
  readonly #checker: EntryChecker;
  readonly #promises: EntryPromises | undefined;
  readonly #counted: (kind: string) => void;

  /**
   * @param shards oldest first; the last one takes new entries
   * @param promises how signed entry timestamps are made; `undefined` makes none
   */
  constructor(
    shards: readonly V1Shard[],
    checker: EntryChecker,
    promises: EntryPromises | undefined,
    counted: (kind: string) => void = () => undefined,
  ) {
    const active = shards.at(-1);
    if (active === undefined) throw new RangeError('a log has at least one shard');
    this.#shards = shards;
    this.#active = active;
    this.#checker = checker;
    this.#promises = promises;
    this.#counted = counted;
  }

  get active(): V1Shard {
    return this.#active;
  }

  /** Oldest first. */
  get shards(): readonly V1Shard[] {
    return this.#shards;
  }

  /** Shards that take no new entries, oldest first. */
  get inactive(): readonly V1Shard[] {
    return this.#shards.slice(0, -1);
  }

  /** @throws {Fault} log/unknown-tree */
  shard(treeId: bigint | undefined): V1Shard {
    const shard = treeId === undefined ? this.#active : this.#shards.find((one) => one.treeId === treeId);
    if (shard === undefined)
      throw new Fault('malformed', 'log/unknown-tree', `this log has no tree ${treeId}`);
    return shard;
  }

  /**
   * Appends what the body of a create request proposes.
   *
   * @throws {Fault} json/…, entry/…; log/duplicate with the `entryId` in its detail; tree/…
   */
  async append(body: Uint8Array): Promise<V1Answer> {
    return await this.appendChecked(await this.#checker.check('v1', body));
  }

  /** Appends an entry that has been checked already. Faults as `append`, and log/promises-overloaded. */
  async appendChecked(entry: CheckedEntry): Promise<V1Answer> {
    const done = this.#promises?.admit();
    try {
      return await this.#append(this.#active, entry);
    } finally {
      done?.();
    }
  }

  async #append(shard: V1Shard, entry: CheckedEntry): Promise<V1Answer> {
    const { tree, treeId } = shard;
    const sequenced = await tree.sequence({
      body: entry.canonical,
      kind: `${entry.kind}/${entry.version}`,
      searchKeys: entry.searchKeys,
      ...(entry.attestation === undefined ? {} : { extra: entry.attestation }),
      ...(entry.attachment === undefined ? {} : { attachment: entry.attachment }),
    });
    const entryId = formatEntryId(treeId, sequenced.leafHash);
    if (sequenced.duplicate) {
      // Whoever is sent to look it up must find it there, so the checkpoint comes first.
      await tree.cover(sequenced);
      throw new Fault(
        'conflict',
        'log/duplicate',
        `an equivalent entry already exists in the transparency log with UUID ${entryId}`,
        { detail: { entryId } },
      );
    }
    const [{ head, proof }, set] = await Promise.all([
      tree.cover(sequenced),
      this.#promise(shard, sequenced, entry.canonical),
    ]);
    this.#counted(entry.kind);
    return { entryId, json: this.#format(shard, sequenced, entry.canonical, set, head, proof) };
  }

  /** The entry with this number over all shards. */
  async byIndex(virtualIndex: bigint): Promise<V1Answer | undefined> {
    const shard = this.#shards.findLast(({ offset }) => offset <= virtualIndex);
    if (shard === undefined) return undefined;
    const leaf = await shard.tree.leaf(virtualIndex - shard.offset);
    return leaf === undefined ? undefined : await this.#answer(shard, leaf);
  }

  /** @throws {Fault} log/entry-id */
  async byId(text: string): Promise<V1Answer | undefined> {
    return await this.#find(parseEntryId(text));
  }

  /**
   * What the body of a retrieve request asks for and the log has: by index, then by identifier, then by proposal.
   *
   * @throws {Fault} rekor/parameter, rekor/request, log/entry-id, entry/…
   */
  async lookUp(body: Uint8Array): Promise<V1Answer[]> {
    const { indexes, entryIds, leafHashes } = await this.#checker.lookUps(body);
    const found = await Promise.all([
      ...indexes.map((index) => this.byIndex(index)),
      ...entryIds.map((id) => this.byId(id)),
      ...leafHashes.map((hash) => this.#find({ leafHash: hash })),
    ]);
    return found.filter((answer): answer is V1Answer => answer !== undefined);
  }

  /** Entry IDs with any or all of these search keys, oldest first. */
  async search(keys: readonly string[], operator: 'and' | 'or'): Promise<string[]> {
    const found = await Promise.all(
      this.#shards.map(async ({ tree, treeId }) => {
        const leaves = await tree.search(keys, operator);
        return leaves.map((leaf) => formatEntryId(treeId, leaf.leafHash));
      }),
    );
    return found.flat();
  }

  async #find({ treeId, leafHash: hash }: EntryId): Promise<V1Answer | undefined> {
    for (const shard of this.#shards.toReversed()) {
      if (treeId !== undefined && shard.treeId !== treeId) continue;
      const index = await shard.tree.findByHash(hash);
      const leaf = index === undefined ? undefined : await shard.tree.leaf(index);
      if (leaf !== undefined) return await this.#answer(shard, leaf);
    }
    return undefined;
  }

  async #answer(shard: V1Shard, leaf: StoredLeaf): Promise<V1Answer> {
    const [stored, { head, proof }] = await Promise.all([
      shard.sets.find(leaf.index),
      shard.tree.prove(leaf.index, leaf.leafHash),
    ]);
    const sequenced = { ...leaf, duplicate: true };
    // Missing if we crashed between COMMIT and this signature, or if none was wanted then. One that was made stays.
    const set = stored ?? (await this.#promise(shard, sequenced, leaf.body));
    return {
      entryId: formatEntryId(shard.treeId, leaf.leafHash),
      json: this.#format(shard, sequenced, leaf.body, set, head, proof, leaf.extra),
    };
  }

  async #promise(
    shard: V1Shard,
    { index, timestampMs }: Sequenced,
    body: Uint8Array,
  ): Promise<Uint8Array | undefined> {
    const payload = setPayload(body, timestampMs / 1000n, shard.logId, shard.offset + index);
    const set = await this.#promises?.sign(shard.signer, payload);
    if (set === undefined) return undefined;
    const stands = await shard.sets.keep(index, set).catch((error: unknown) => {
      shard.signer.abandoned?.();
      throw error;
    });
    // Another request for the same entry was faster.
    if (!stands) shard.signer.abandoned?.();
    return set;
  }

  #format(
    { treeId, logId, offset }: V1Shard,
    { index, leafHash: hash, timestampMs }: Sequenced,
    body: Uint8Array,
    set: Uint8Array | undefined,
    head: SignedHead,
    proof: readonly Uint8Array[],
    attestation?: Uint8Array,
  ): string {
    return formatV1Entry({
      entryId: formatEntryId(treeId, hash),
      body,
      integratedTime: timestampMs / 1000n,
      logId,
      virtualIndex: offset + index,
      set,
      index,
      head,
      proof,
      attestation,
    });
  }
}

/** How `/api/v1/log` describes one shard. */
export function describeShard({ tree, treeId }: V1Shard): JsonValue {
  const head = tree.head();
  return {
    rootHash: toHex(head.root),
    signedTreeHead: head.note,
    treeID: treeId.toString(),
    treeSize: jsonNumber(head.size),
  };
}
