/**
 * One tile: up to 256 consecutive hashes of one level of the tree, and the nodes above them inside the tile.
 *
 * Inner nodes are computed when they are first asked for and then kept: a batch asks one tile for hundreds of
 * proofs, and every proof passes through the same few nodes.
 */
import { HASH_SIZE, nodeHash } from '#core/merkle';
import { TILE_WIDTH } from '#core/tile';

// Inner nodes of all heights in one array: 128 over two hashes each, then 64 over four, … one over all.
const INNER_NODES = TILE_WIDTH - 1;
function innerAt(offset: number, count: number): number {
  return TILE_WIDTH - (2 * TILE_WIDTH) / count + offset / count;
}

/** Grows only by `push`, and is shared once it has been handed to a cache: whoever grows it copies it first. */
export class HashTile {
  readonly #hashes: Uint8Array;
  readonly #inner: Uint8Array;
  readonly #known: Uint8Array;
  #width: number;

  private constructor(hashes: Uint8Array, inner: Uint8Array, known: Uint8Array, width: number) {
    this.#hashes = hashes;
    this.#inner = inner;
    this.#known = known;
    this.#width = width;
  }

  static empty(): HashTile {
    return new HashTile(
      new Uint8Array(TILE_WIDTH * HASH_SIZE),
      new Uint8Array(INNER_NODES * HASH_SIZE),
      new Uint8Array(INNER_NODES),
      0,
    );
  }

  /** A tile as it is stored: its hashes one after the other. */
  static of(stored: Uint8Array): HashTile {
    if (stored.length % HASH_SIZE !== 0 || stored.length > TILE_WIDTH * HASH_SIZE) {
      throw new RangeError(`${stored.length} octets are no tile`);
    }
    const tile = HashTile.empty();
    tile.#hashes.set(stored);
    tile.#width = stored.length / HASH_SIZE;
    return tile;
  }

  get width(): number {
    return this.#width;
  }

  /** The first `width` hashes, as they are stored and served. */
  bytes(width = this.#width): Uint8Array {
    if (width > this.#width) throw new RangeError(`a tile of ${this.#width} has no prefix of ${width}`);
    return this.#hashes.subarray(0, width * HASH_SIZE);
  }

  push(hash: Uint8Array): void {
    if (this.#width === TILE_WIDTH) throw new RangeError('the tile is full');
    this.#hashes.set(hash, this.#width * HASH_SIZE);
    this.#width++;
  }

  copy(): HashTile {
    return new HashTile(this.#hashes.slice(), this.#inner.slice(), this.#known.slice(), this.#width);
  }

  /** The node over `count` hashes, a power of two, from number `offset`, a multiple of it. */
  node(offset: number, count: number): Uint8Array {
    if (offset + count > this.#width) {
      throw new RangeError(`a node over ${offset} to ${offset + count} is beyond a tile of ${this.#width}`);
    }
    if (count === 1) return this.#hashes.subarray(offset * HASH_SIZE, (offset + 1) * HASH_SIZE);
    const at = innerAt(offset, count);
    const bytes = this.#inner.subarray(at * HASH_SIZE, (at + 1) * HASH_SIZE);
    if (this.#known[at] === 0) {
      const half = count / 2;
      bytes.set(nodeHash(this.node(offset, half), this.node(offset + half, half)));
      this.#known[at] = 1;
    }
    return bytes;
  }
}
