/**
 * The certificate log: it promises only what it already has.
 *
 * RFC 6962 lets a log promise first and include within its maximum merge delay. Ours sequences first: the entry is
 * committed before the promise is signed, so there is no promise that a crash could break.
 *
 *   1. draft     the leaf holds the time of the promise
 *   2. sequence  durable; the same certificate submitted before keeps its first leaf and its first time (§3)
 *   3. promise   the SCT over the committed leaf's own time
 */
import { Fault } from '#core/fault';
import {
  certificateExtraData,
  formatSct,
  logIdOf,
  merkleTreeLeaf,
  precertificateExtraData,
  sctSignedInput,
  TlsReader,
  type LogEntry,
} from '#core/ct';
import { leafHash } from '#core/merkle';
import { equalOctets } from '#core/octets';
import type { Signer } from '#hsm';
import type { Clock } from '#platform';
import type { Tree } from '#tree';
import { identityOfLeaf } from './ct-trees.js';

/** A promise, in parts as add-chain answers it. */
export interface CtPromise {
  readonly logId: Uint8Array;
  readonly timestampMs: bigint;
  /** DER ECDSA-Sig-Value over SHA-256. */
  readonly signature: Uint8Array;
  /** The serialized SCT (RFC 6962 §3.2). */
  readonly sct: Uint8Array;
}

export class CtLog {
  /** Short name, as in its URL. */
  readonly name: string;
  readonly tree: Tree;
  /** DER certificates that chains must end in. */
  readonly roots: readonly Uint8Array[];
  readonly #signer: Signer;
  readonly #clock: Clock;
  readonly #logId: Uint8Array;

  constructor(parts: {
    readonly name: string;
    readonly tree: Tree;
    readonly roots: readonly Uint8Array[];
    readonly signer: Signer;
    readonly clock: Clock;
  }) {
    this.name = parts.name;
    this.tree = parts.tree;
    this.roots = parts.roots;
    this.#signer = parts.signer;
    this.#clock = parts.clock;
    this.#logId = logIdOf(parts.signer.spki);
  }

  /**
   * Sequences a precertificate and promises for it; resolves to the serialized SCT.
   *
   * Callers must have made the precertificate themselves or checked its chain.
   *
   * @param precertTbs TBS without poison and without SCT list
   * @param issuerKeyHash SHA-256 over the SubjectPublicKeyInfo of the issuer of the final certificate
   * @param precert the signed precertificate, DER
   * @param chain its issuers up to the root, DER
   * @throws {Fault} tree/…, hsm/…: no promise, hence no certificate
   */
  async promise(
    precertTbs: Uint8Array,
    issuerKeyHash: Uint8Array,
    precert: Uint8Array,
    chain: readonly Uint8Array[],
  ): Promise<Uint8Array> {
    const entry: LogEntry = { kind: 'precertificate', issuerKeyHash, tbs: precertTbs };
    return (await this.add(entry, precertificateExtraData(precert, chain))).sct;
  }

  /** As `promise`, for a final certificate without SCTs. */
  async promiseCertificate(der: Uint8Array, chain: readonly Uint8Array[]): Promise<CtPromise> {
    return await this.add({ kind: 'certificate', der }, certificateExtraData(chain));
  }

  /** Sequences `entry` with its extra data and promises for it. */
  async add(entry: LogEntry, extra: Uint8Array): Promise<CtPromise> {
    const drafted = BigInt(this.#clock.nowMs());
    const body = merkleTreeLeaf(drafted, entry);
    const sequenced = await this.tree.sequence({
      body,
      identity: identityOfLeaf(body),
      kind: `ct/${entry.kind}`,
      extra,
    });
    // The promise is for the leaf that is in the tree, whoever put it there.
    const ours = equalOctets(sequenced.leafHash, leafHash(body));
    const timestampMs = ours ? drafted : await this.#timeOf(sequenced.index);
    const signature = await this.#signer.sign(sctSignedInput(timestampMs, entry));
    const logId = this.#logId;
    return { logId, timestampMs, signature, sct: formatSct({ logId, timestampMs, signature }) };
  }

  /** The time in leaf `index`, which may not be published yet. */
  async #timeOf(index: bigint): Promise<bigint> {
    const body = await this.tree.body(index);
    if (body === undefined)
      throw new Fault('corrupt', 'tree/leaf-missing', 'the log names a leaf that is not stored');
    const reader = new TlsReader(body);
    // Version and leaf type come first (RFC 6962 §3.4).
    reader.take(2);
    return reader.number(8);
  }
}
