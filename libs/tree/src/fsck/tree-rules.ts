import type { TreeHead } from '#core/merkle';

/** What only the face of a tree knows about its rows; the engine knows none of it. */
export interface TreeRules {
  /** @throws {Fault} unless `note` is this log's signed checkpoint of exactly `head` */
  readonly verifyCheckpoint: (note: string, head: TreeHead) => void;
  /** The second key under which a leaf is known; left out where its hash is the only one. */
  readonly identityOf?: ((body: Uint8Array) => Uint8Array) | undefined;
  /** @throws {Fault} unless `signature` is the promise (SET) for this leaf */
  readonly verifyPromise?: ((leaf: PromisedLeaf, signature: Uint8Array) => void) | undefined;
  /** Whether every leaf has search keys. Which ones is for their own rebuild to say. */
  readonly searchable?: boolean | undefined;
}

export interface PromisedLeaf {
  readonly index: bigint;
  readonly body: Uint8Array;
  readonly timestampMs: bigint;
}
