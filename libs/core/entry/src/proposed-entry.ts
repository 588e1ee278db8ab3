import type { HashName, PublicKey } from '#core/crypto';
import type { JsonObject } from '#core/json';
import type { LeafSigner } from './leaf-signer.js';

export interface Attestation {
  /** `sha256:` and the digest of `data` in hex. */
  readonly key: string;
  readonly data: Uint8Array;
}

/** What a DSSE envelope carries, for whoever keeps statements; no part of the leaf. */
export interface Statement {
  readonly payloadType: string;
  readonly payload: Uint8Array;
  /** The envelope in JSON: as it was sent, or put together where it was sent in pieces. */
  readonly envelope: Uint8Array;
  /** SHA-256 of the pre-authentication encoding: the name of the statement. */
  readonly pae: Uint8Array;
}

export interface ProposedEntry {
  readonly kind: string;
  readonly version: string;
  /** The leaf: canonical JSON (RFC 8785). */
  readonly canonical: Uint8Array;
  /** Lower case, without repetition; look-ups must lower the case of what they look for. */
  readonly searchKeys: readonly string[];
  /** Search keys of our own (see facets.ts). */
  readonly facets: readonly string[];
  /** What Rekor v1 answers beside the entry (intoto kinds up to 100 KiB). */
  readonly attestation?: Attestation;
  readonly statement?: Statement;
  /**
   * Checks every signature; returning is the verdict. Callers must not append the entry before.
   *
   * @throws {Fault} entry/signature, entry/chain
   */
  verify(): void;
}

/** One kind and version: how its `spec` becomes an entry, or, for look-ups, canonical octets alone. */
export interface EntryKind {
  readonly kind: string;
  readonly version: string;
  read(spec: JsonObject): ProposedEntry;
  /** Also takes the form an entry has once it is in the log; checks no more than it must. */
  canonicalise(spec: JsonObject): Uint8Array;
  /** What the form that stands in the log says by itself. @throws {Fault} entry/… */
  readLeaf(spec: JsonObject): LeafContent;
}

/** A signature as it stands in a leaf. */
export interface LeafSignature {
  readonly key: PublicKey;
  readonly octets: Uint8Array;
  /** Over a digest made with this hash, or over the message itself where a v1 log took an envelope. */
  readonly over: { readonly digestBy: HashName } | 'message';
}

/** What can be told from a leaf alone. */
export interface LeafContent {
  /** Whether the entry is made of a DSSE envelope; a hashedrekord may be, and does not say. */
  readonly envelope: boolean;
  readonly signers: readonly LeafSigner[];
  /** Empty where the leaf holds none (intoto 0.0.1). */
  readonly signatures: readonly LeafSignature[];
  /** `<algorithm>:<hex>`: the digests that the entry itself carries. */
  readonly digests: readonly string[];
  /** Those of Rekor's search keys that follow from the leaf. */
  readonly searchKeys: readonly string[];
}
