/**
 * Roots and proofs out of stored nodes.
 *
 * A proof is a list of ranges of leaves. A range that is ragged on its right is not stored anywhere: it is
 * folded from the complete nodes in it. The `…Nodes` functions name every node a proof will read, in
 * the order of reading, so that a caller may fetch them all at once and hand in a reader over memory.
 *
 * What comes out is not proof of anything until it has been verified: nodes may be stored wrongly.
 */
import { Fault } from '#core/fault';
import { emptyRoot, nodeHash } from './hash.js';

/** A complete node: it covers the leaves from `index << level`, `1 << level` of them. */
export interface NodeId {
  readonly level: number;
  readonly index: bigint;
}

/** Answers the hash of a complete node; must throw if it has none. */
export type NodeReader = (level: number, index: bigint) => Uint8Array;

/** Leaves from `start` up to but not including `end`. */
type Range = readonly [start: bigint, end: bigint];

/** Number of binary digits of `value`. */
function bitLength(value: bigint): number {
  return value === 0n ? 0 : value.toString(2).length;
}

/** The largest power of two smaller than `n` (RFC 6962 §2.1, `k`); `n` is at least 2. */
function split(n: bigint): bigint {
  return 1n << BigInt(bitLength(n - 1n) - 1);
}

/** Complete nodes of a range, from left to right; `start` is a multiple of the largest of them. */
function nodesOf([start, end]: Range): NodeId[] {
  const nodes: NodeId[] = [];
  let at = start;
  while (at < end) {
    const level = bitLength(end - at) - 1;
    nodes.push({ level, index: at >> BigInt(level) });
    at += 1n << BigInt(level);
  }
  return nodes;
}

/** The hash of a range as RFC 6962 §2.1 defines it: split off the largest complete node, again and again. */
function hashOf(range: Range, read: NodeReader): Uint8Array {
  const nodes = nodesOf(range);
  // Every node is read in the order in which nodesOf lists it, before anything is folded.
  const hashes = nodes.map(({ level, index }) => read(level, index));
  return hashes.reduceRight((right, left) => nodeHash(left, right));
}

/** RFC 6962 §2.1.1: the siblings of the path from a leaf up to the root. */
function inclusionRanges(index: bigint, size: bigint): Range[] {
  if (index < 0n || index >= size) {
    throw new Fault('absent', 'merkle/out-of-range', `leaf ${index} is outside a tree of ${size}`);
  }
  const ranges: Range[] = [];
  let start = 0n;
  let end = size;
  while (end - start > 1n) {
    const middle = start + split(end - start);
    if (index < middle) {
      ranges.push([middle, end]);
      end = middle;
    } else {
      ranges.push([start, middle]);
      start = middle;
    }
  }
  return ranges.reverse();
}

/** RFC 6962 §2.1.2: SUBPROOF, as a loop from the root down. */
function consistencyRanges(first: bigint, second: bigint): Range[] {
  if (first < 0n || first > second) {
    throw new Fault('absent', 'merkle/out-of-range', `a tree of ${second} has no proof from size ${first}`);
  }
  if (first === 0n || first === second) return [];
  const ranges: Range[] = [];
  let start = 0n;
  let end = second;
  while (first !== end) {
    const middle = start + split(end - start);
    if (first <= middle) {
      ranges.push([middle, end]);
      end = middle;
    } else {
      ranges.push([start, middle]);
      start = middle;
    }
  }
  // Down the left edge the range is the first tree itself, whose root the verifier has already.
  if (start !== 0n) ranges.push([start, end]);
  return ranges.reverse();
}

/** Nodes that `rootOf` reads. */
export function rootNodes(size: bigint): NodeId[] {
  return nodesOf([0n, size]);
}

/** The root of the first `size` leaves. */
export function rootOf(size: bigint, read: NodeReader): Uint8Array {
  return size === 0n ? emptyRoot() : hashOf([0n, size], read);
}

/** Nodes that `inclusionProof` reads. @throws {Fault} merkle/out-of-range */
export function inclusionNodes(index: bigint, size: bigint): NodeId[] {
  return inclusionRanges(index, size).flatMap(nodesOf);
}

/** The proof that leaf `index` is in the tree of `size`, leaf end first. @throws {Fault} merkle/out-of-range */
export function inclusionProof(index: bigint, size: bigint, read: NodeReader): Uint8Array[] {
  return inclusionRanges(index, size).map((range) => hashOf(range, read));
}

/** Nodes that `consistencyProof` reads. @throws {Fault} merkle/out-of-range */
export function consistencyNodes(first: bigint, second: bigint): NodeId[] {
  return consistencyRanges(first, second).flatMap(nodesOf);
}

/** The proof that the tree of `second` continues the tree of `first`. @throws {Fault} merkle/out-of-range */
export function consistencyProof(first: bigint, second: bigint, read: NodeReader): Uint8Array[] {
  return consistencyRanges(first, second).map((range) => hashOf(range, read));
}
