/**
 * The Merkle tree of RFC 6962 §2.1 and RFC 9162 §2.1, over SHA-256.
 *
 * Verifying is for whoever does not trust the log; constructing (`inclusionProof`, `consistencyProof`,
 * `rootOf`) reads stored nodes through a function, so that this library never learns where they are kept.
 * A node is named by level and index: it covers the leaves from `index << level`, and only complete nodes,
 * whose hash never changes again, have a name.
 */
export { HASH_SIZE, emptyRoot, leafHash, nodeHash } from './hash.js';
export type { TreeHead } from './tree-head.js';
export { verifyInclusion, rootFromInclusion } from './verify-inclusion.js';
export { verifyConsistency } from './verify-consistency.js';
export {
  consistencyNodes,
  consistencyProof,
  inclusionNodes,
  inclusionProof,
  rootNodes,
  rootOf,
  type NodeId,
  type NodeReader,
} from './prove.js';
export { Edge, type NodeVisitor } from './edge.js';
