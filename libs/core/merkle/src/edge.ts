import { Fault } from '#core/fault';
import { emptyRoot, HASH_SIZE, nodeHash } from './hash.js';
import type { TreeHead } from './tree-head.js';

/** Told of every node that becomes complete, the leaf itself (level 0) included, children before parents. */
export type NodeVisitor = (level: number, index: bigint, hash: Uint8Array) => void;

/** How many complete nodes stand along the edge of a tree of `size`: its binary ones. */
function nodesAlong(size: bigint): number {
  return size.toString(2).replaceAll('0', '').length;
}

/**
 * The right edge of a growing tree: its largest complete subtrees, from left to right.
 *
 * All that an appender must remember (at most 64 hashes), and enough to know the root. Also known as a
 * compact range that begins at zero.
 */
export class Edge {
  #size: bigint;
  readonly #hashes: Uint8Array[];

  /** @throws {Fault} merkle/edge-mismatch unless there is one hash for each binary one of `size` */
  constructor(size = 0n, hashes: readonly Uint8Array[] = []) {
    if (size < 0n || hashes.length !== nodesAlong(size) || hashes.some((hash) => hash.length !== HASH_SIZE)) {
      throw new Fault(
        'corrupt',
        'merkle/edge-mismatch',
        `these hashes are not the edge of a tree of ${size}`,
      );
    }
    this.#size = size;
    this.#hashes = [...hashes];
  }

  get size(): bigint {
    return this.#size;
  }

  /** Complete subtrees from the largest to the smallest; `rootNodes(size)` names them in the same order. */
  get hashes(): readonly Uint8Array[] {
    return this.#hashes;
  }

  copy(): Edge {
    return new Edge(this.#size, this.#hashes);
  }

  /** Grows the tree by the leaf hashed to `leaf`. */
  append(leaf: Uint8Array, visit?: NodeVisitor): void {
    if (leaf.length !== HASH_SIZE) throw new RangeError(`a leaf hash has ${HASH_SIZE} octets`);
    let hash = leaf;
    let level = 0;
    let index = this.#size;
    visit?.(level, index, hash);
    // Each binary one that the new leaf carries over is a pair that becomes a node.
    while (index % 2n === 1n) {
      const left = this.#hashes.pop();
      if (left === undefined) throw new RangeError('the edge is shorter than its size says');
      hash = nodeHash(left, hash);
      level++;
      index >>= 1n;
      visit?.(level, index, hash);
    }
    this.#hashes.push(hash);
    this.#size++;
  }

  root(): Uint8Array {
    return this.#size === 0n ? emptyRoot() : this.#hashes.reduceRight((right, left) => nodeHash(left, right));
  }

  head(): TreeHead {
    return { size: this.#size, root: this.root() };
  }
}
