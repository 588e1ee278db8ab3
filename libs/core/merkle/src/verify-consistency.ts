import { equalOctets } from '#core/octets';
import { emptyRoot, nodeHash } from './hash.js';
import { assertHashes, proofMismatch } from './proof-mismatch.js';
import type { TreeHead } from './tree-head.js';

/** The edge cases that RFC 9162 leaves to the caller: nothing is to be climbed, so nothing may be sent. */
function verifyWithoutClimb(first: TreeHead, second: TreeHead, proof: readonly Uint8Array[]): void {
  if (proof.length > 0) throw proofMismatch('no proof is needed between these sizes, yet one was sent');
  // Every tree continues the empty one, but only one root belongs to the empty tree.
  const expected = first.size === 0n ? emptyRoot() : second.root;
  if (!equalOctets(first.root, expected)) throw proofMismatch(`two roots for a tree of ${first.size}`);
  if (second.size === 0n && !equalOctets(second.root, expected)) {
    throw proofMismatch('the root is not that of an empty tree');
  }
}

/**
 * Proves that the tree of `second` begins with every leaf of the tree of `first`, in the same order.
 *
 * Both roots are rebuilt from the same hashes: `older` only ever takes hashes that stand on its left, since
 * whatever stands on its right came later.
 *
 * @see RFC 9162 §2.1.4.2, whose `fn`, `sn`, `fr`, `sr` are `position`, `last`, `older`, `newer` here
 * @throws {Fault} merkle/proof-mismatch if the second tree is smaller, or the proof is of the wrong length or
 *   leads to another root
 */
export function verifyConsistency(first: TreeHead, second: TreeHead, proof: readonly Uint8Array[]): void {
  if (first.size < 0n || first.size > second.size) {
    throw proofMismatch(`a tree of ${second.size} cannot continue one of ${first.size}`);
  }
  assertHashes([first.root, second.root, ...proof]);
  if (first.size === 0n || first.size === second.size) {
    verifyWithoutClimb(first, second, proof);
    return;
  }

  let position = first.size - 1n;
  let last = second.size - 1n;
  while (position % 2n === 1n) {
    position >>= 1n;
    last >>= 1n;
  }
  // A first tree of 2^k leaves is itself a node of the second one, so the proof does not repeat its root.
  const [start, ...rest] = position === 0n ? [first.root, ...proof] : proof;
  if (start === undefined || proof.length === 0) throw proofMismatch('the proof is empty');

  let older = start;
  let newer = start;
  for (const sibling of rest) {
    if (last === 0n) throw proofMismatch('the proof goes on past the root');
    if (position % 2n === 1n || position === last) {
      older = nodeHash(sibling, older);
      newer = nodeHash(sibling, newer);
      while (position % 2n === 0n && position !== 0n) {
        position >>= 1n;
        last >>= 1n;
      }
    } else {
      newer = nodeHash(newer, sibling);
    }
    position >>= 1n;
    last >>= 1n;
  }

  if (last !== 0n) throw proofMismatch('the proof stops short of the root');
  if (!equalOctets(older, first.root)) throw proofMismatch('the proof leads to another first root');
  if (!equalOctets(newer, second.root)) throw proofMismatch('the proof leads to another second root');
}
