import type { TreeHead } from '#core/merkle';

/** What a caller wants to be in the tree. */
export interface NewLeaf {
  /** The bytes that are hashed into the tree, at most 65,535 of them (the limit of an entry bundle). */
  readonly body: Uint8Array;
  /** `<kind>/<version>`, for people and for counting. */
  readonly kind: string;
  /**
   * 32 octets that make two submissions the same one; the leaf hash if absent. A certificate log needs its own,
   * because its leaf holds the time of submission.
   */
  readonly identity?: Uint8Array;
  /** Search keys, written with the leaf. */
  readonly searchKeys?: readonly string[];
  /** Kept beside the leaf and not hashed: an attestation, a certificate chain. */
  readonly extra?: Uint8Array;
  /** Kept in a table of its own, and found by its digest: the envelope that a leaf was made of. */
  readonly attachment?: Attachment;
}

export interface Attachment {
  /** 32 octets by which it is asked for; several leaves may share one. */
  readonly digest: Uint8Array;
  readonly octets: Uint8Array;
}

/** Committed: the leaf has its place for ever, though no checkpoint may cover it yet. */
export interface Sequenced {
  readonly index: bigint;
  /** The leaf was there before; `leafHash` and `timestampMs` are those of the first submission. */
  readonly duplicate: boolean;
  readonly leafHash: Uint8Array;
  readonly timestampMs: bigint;
}

/** A tree head as it was signed and published. */
export interface SignedHead extends TreeHead {
  /** The checkpoint in the face's own spelling. */
  readonly note: string;
  readonly timestampMs: bigint;
}

/** Covered: a published checkpoint commits to the leaf, and `proof` says so; the engine has verified it. */
export interface Appended extends Sequenced {
  readonly head: SignedHead;
  readonly proof: readonly Uint8Array[];
}

/** A leaf as it is stored. */
export interface StoredLeaf {
  readonly index: bigint;
  readonly leafHash: Uint8Array;
  readonly kind: string;
  readonly timestampMs: bigint;
  readonly body: Uint8Array;
  readonly extra: Uint8Array | undefined;
}
