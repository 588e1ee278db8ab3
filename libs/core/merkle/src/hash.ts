import { sha256 } from '#core/crypto';
import { concat } from '#core/octets';

/** Octets of every hash in the tree. */
export const HASH_SIZE = 32;

// Domain separation (RFC 6962 §2.1): without the prefixes, an inner node could be passed off as a leaf.
const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** The hash under which `record` stands in the tree (RFC 6962 §2.1). */
export function leafHash(record: Uint8Array): Uint8Array {
  return sha256(concat(LEAF, record));
}

/** The hash of the node over `left` and `right` (RFC 6962 §2.1). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(concat(NODE, left, right));
}

/** The root of a tree without leaves: the hash of nothing (RFC 6962 §2.1). */
export function emptyRoot(): Uint8Array {
  return sha256(new Uint8Array());
}
