import { equalOctets } from '#core/octets';
import { nodeHash } from './hash.js';
import { assertHashes, proofMismatch } from './proof-mismatch.js';
import type { TreeHead } from './tree-head.js';

/**
 * The root that `proof` leads to from leaf hash `leaf`, number `index` of a tree of `size`.
 *
 * The proof comes from a party we do not trust, so one longer than the tree is tall is refused at the root,
 * not hashed to its end. We climb from the leaf: a sibling stands on our left when our position is odd, or
 * when we are the last node of a ragged right edge; there, levels without a sibling are skipped in one
 * stride.
 *
 * @see RFC 9162 §2.1.3.2, whose `fn` and `sn` are `position` and `last` here
 * @throws {Fault} merkle/proof-mismatch if the proof does not have the length this position asks for
 */
export function rootFromInclusion(
  leaf: Uint8Array,
  index: bigint,
  proof: readonly Uint8Array[],
  size: bigint,
): Uint8Array {
  if (index < 0n || index >= size) throw proofMismatch(`leaf ${index} is outside a tree of ${size}`);
  assertHashes([leaf, ...proof]);

  let position = index;
  let last = size - 1n;
  let hash = leaf;
  for (const sibling of proof) {
    if (last === 0n) throw proofMismatch('the proof goes on past the root');
    if (position % 2n === 1n || position === last) {
      hash = nodeHash(sibling, hash);
      while (position % 2n === 0n && position !== 0n) {
        position >>= 1n;
        last >>= 1n;
      }
    } else {
      hash = nodeHash(hash, sibling);
    }
    position >>= 1n;
    last >>= 1n;
  }
  if (last !== 0n) throw proofMismatch('the proof stops short of the root');
  return hash;
}

/**
 * Proves that the leaf hashed to `leaf` is number `index` in the tree whose head is `head`.
 *
 * Returning is the verdict: there is no boolean to forget to check.
 *
 * @throws {Fault} merkle/proof-mismatch if the proof is of the wrong length or leads to another root
 */
export function verifyInclusion(
  leaf: Uint8Array,
  index: bigint,
  proof: readonly Uint8Array[],
  head: TreeHead,
): void {
  if (!equalOctets(rootFromInclusion(leaf, index, proof, head.size), head.root)) {
    throw proofMismatch(`the proof for leaf ${index} leads to another root`);
  }
}
