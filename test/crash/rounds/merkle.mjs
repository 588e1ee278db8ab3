/** RFC 6962 §2.1 and the verification of RFC 9162 §2.1.3 and §2.1.4, after their text: nothing of the product's. */
import { createHash } from 'node:crypto';

/** @param {Uint8Array} bytes */
export const hashLeaf = (bytes) => createHash('sha256').update(Uint8Array.of(0)).update(bytes).digest();
/** @param {Uint8Array} left @param {Uint8Array} right */
const hashNode = (left, right) =>
  createHash('sha256').update(Uint8Array.of(1)).update(left).update(right).digest();

/** A tree that grows and says its root at each size. */
export class GrowingTree {
  size = 0;
  /** Roots of the perfect subtrees along the edge, the largest first. @type {{ width: number, hash: Buffer }[]} */
  #edge = [];

  /** @param {Buffer} leaf hash of a leaf */
  append(leaf) {
    this.size++;
    let [width, hash] = [1, leaf];
    for (let last = this.#edge.at(-1); last?.width === width; last = this.#edge.at(-1)) {
      this.#edge.pop();
      [width, hash] = [width * 2, hashNode(last.hash, hash)];
    }
    this.#edge.push({ width, hash });
  }

  root() {
    const [last, ...others] = this.#edge.map(({ hash }) => hash).reverse();
    if (last === undefined) return createHash('sha256').digest();
    return others.reduce((right, left) => hashNode(left, right), last);
  }
}

/** The root that an inclusion proof leads to. @param {Buffer} leaf @param {number} index @param {number} size @param {readonly Buffer[]} proof */
export function rootFromInclusion(leaf, index, size, proof) {
  if (index >= size) throw new Error(`leaf ${index} is not in a tree of ${size}`);
  assertHashes(leaf, ...proof);
  let [node, last, hash] = [index, size - 1, leaf];
  for (const step of proof) {
    if (last === 0) throw new Error('an inclusion proof is too long');
    if (node % 2 === 1 || node === last) {
      hash = hashNode(step, hash);
      while (node % 2 === 0 && node !== 0) [node, last] = [half(node), half(last)];
    } else hash = hashNode(hash, step);
    [node, last] = [half(node), half(last)];
  }
  if (last !== 0) throw new Error('an inclusion proof is too short');
  return hash;
}

/** @param {{ size: number, root: Buffer }} first @param {{ size: number, root: Buffer }} second @param {readonly Buffer[]} proof */
export function assertConsistent(first, second, proof) {
  assertHashes(first.root, second.root, ...proof);
  if (first.size === second.size) {
    if (proof.length > 0 || !first.root.equals(second.root))
      throw new Error(`two roots for a tree of ${first.size}`);
    return;
  }
  if (first.size < 1 || first.size > second.size)
    throw new Error(`a tree of ${first.size} is no beginning of one of ${second.size}`);
  const power = Number.isInteger(Math.log2(first.size));
  const path = power ? [first.root, ...proof] : [...proof];
  let [node, last] = [first.size - 1, second.size - 1];
  while (node % 2 === 1) [node, last] = [half(node), half(last)];
  const begin = path.shift();
  if (begin === undefined) throw new Error('a consistency proof is empty');
  let [old, grown] = [begin, begin];
  for (const step of path) {
    if (last === 0) throw new Error('a consistency proof is too long');
    if (node % 2 === 1 || node === last) {
      old = hashNode(step, old);
      grown = hashNode(step, grown);
      while (node % 2 === 0 && node !== 0) [node, last] = [half(node), half(last)];
    } else grown = hashNode(grown, step);
    [node, last] = [half(node), half(last)];
  }
  if (last !== 0 || !old.equals(first.root) || !grown.equals(second.root)) {
    throw new Error(`the tree of ${second.size} is not proved to continue the tree of ${first.size}`);
  }
}

/** @param {number} value */
const half = (value) => Math.floor(value / 2);

/** @param {readonly Buffer[]} hashes */
function assertHashes(...hashes) {
  for (const hash of hashes) if (hash.length !== 32) throw new Error(`a hash of ${hash.length} octets`);
}
