/** RFC 6962 §2.1 as its text defines it, recursively: slow, short, and nothing of the product's. */
import { createHash } from 'node:crypto';

export function hashLeaf(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(Uint8Array.of(0)).update(bytes).digest();
}

function hashNode(left: Uint8Array, right: Uint8Array): Buffer {
  return createHash('sha256').update(Uint8Array.of(1)).update(left).update(right).digest();
}

/** Of leaf hashes. */
export function treeRoot(leaves: readonly Uint8Array[]): Buffer {
  const [only] = leaves;
  if (only === undefined) return createHash('sha256').digest();
  if (leaves.length === 1) return Buffer.from(only);
  const half = 2 ** Math.ceil(Math.log2(leaves.length) - 1);
  return hashNode(treeRoot(leaves.slice(0, half)), treeRoot(leaves.slice(half)));
}

/** The root that an inclusion proof leads to (§2.1.1). */
export function rootFromProof(
  leaf: Uint8Array,
  index: number,
  size: number,
  proof: readonly Uint8Array[],
): Buffer {
  let [node, last] = [index, size - 1];
  let hash: Buffer = Buffer.from(leaf);
  for (const step of proof) {
    if (last === 0) throw new Error('the proof is too long');
    if (node % 2 === 1 || node === last) {
      hash = hashNode(step, hash);
      while (node % 2 === 0 && node !== 0) [node, last] = [node >> 1, last >> 1];
    } else {
      hash = hashNode(hash, step);
    }
    [node, last] = [node >> 1, last >> 1];
  }
  if (last !== 0) throw new Error('the proof is too short');
  return hash;
}
