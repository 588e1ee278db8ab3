import { Fault } from '#core/fault';
import { HASH_SIZE, nodeHash } from '#core/merkle';
import { TILE_HEIGHT, TILE_WIDTH } from './path.js';

/** A tile of hashes by its coordinates. */
export interface TileId {
  readonly level: number;
  readonly index: bigint;
  readonly width: number;
}

/** Where a complete node of the tree stands in the tiles: over `count` hashes from number `offset`. */
export interface NodePlace {
  readonly tileLevel: number;
  readonly tileIndex: bigint;
  readonly offset: number;
  /** 1 when the node itself is listed, else the power of two of listed hashes that it is computed from. */
  readonly count: number;
}

const WIDTH = BigInt(TILE_WIDTH);
const HEIGHT = BigInt(TILE_HEIGHT);

/** The place of the complete node `index` at `level` of the tree. */
export function nodeInTile(level: number, index: bigint): NodePlace {
  const above = level % TILE_HEIGHT;
  const first = index << BigInt(above);
  return {
    tileLevel: (level - above) / TILE_HEIGHT,
    tileIndex: first / WIDTH,
    offset: Number(first % WIDTH),
    count: 1 << above,
  };
}

/** The narrowest tile that holds the complete node `index` at `level` of the tree. */
export function tileOf(level: number, index: bigint): TileId {
  const place = nodeInTile(level, index);
  return { level: place.tileLevel, index: place.tileIndex, width: place.offset + place.count };
}

/** Splits the octets of a tile into its hashes, as views. @throws {Fault} tile/size */
export function hashesOfTile(tile: Uint8Array): Uint8Array[] {
  const width = tile.length / HASH_SIZE;
  if (!Number.isInteger(width) || width < 1 || width > TILE_WIDTH) {
    throw new Fault('malformed', 'tile/size', `a tile has 1 to ${TILE_WIDTH} hashes of ${HASH_SIZE} octets`);
  }
  return Array.from({ length: width }, (_, at) => tile.subarray(at * HASH_SIZE, (at + 1) * HASH_SIZE));
}

function hashOfSpan(tile: Uint8Array, offset: number, count: number): Uint8Array {
  if (count === 1) return tile.subarray(offset * HASH_SIZE, (offset + 1) * HASH_SIZE);
  const half = count / 2;
  return nodeHash(hashOfSpan(tile, offset, half), hashOfSpan(tile, offset + half, half));
}

/** The hash of the node at `place`, out of the octets of its tile. @throws {Fault} tile/too-narrow */
export function hashInTile(tile: Uint8Array, place: NodePlace): Uint8Array {
  if ((place.offset + place.count) * HASH_SIZE > tile.length) {
    throw new Fault('absent', 'tile/too-narrow', 'the tile does not reach to this node; read a wider one');
  }
  return hashOfSpan(tile, place.offset, place.count);
}

/** What a full tile contributes to the tile above it. @throws {Fault} tile/too-narrow */
export function tileRoot(tile: Uint8Array): Uint8Array {
  return hashInTile(tile, { tileLevel: 0, tileIndex: 0n, offset: 0, count: TILE_WIDTH });
}

/** Hashes listed in tile `index` at `level` of a tree of `size`; 0 if that tree has no such tile. */
export function tileWidth(level: number, index: bigint, size: bigint): number {
  const listed = (size >> (HEIGHT * BigInt(level))) - index * WIDTH;
  return listed <= 0n ? 0 : Number(listed < WIDTH ? listed : WIDTH);
}

/** How far the tiles of one level grow: hashes `from` up to but not including `to` are new. */
export interface Growth {
  readonly level: number;
  readonly from: bigint;
  readonly to: bigint;
}

/** New hashes of each tile level when a tree grows from `before` to `after`, lowest level first. */
export function growthOf(before: bigint, after: bigint): Growth[] {
  const growth: Growth[] = [];
  for (let level = 0; after >> (HEIGHT * BigInt(level)) > 0n; level++) {
    const shift = HEIGHT * BigInt(level);
    if (before >> shift !== after >> shift) growth.push({ level, from: before >> shift, to: after >> shift });
  }
  return growth;
}

/**
 * The tiles to publish when a tree grows from `before` to `after`: every tile that becomes full, then the
 * partial one at the end, level by level.
 */
export function tilesGrown(before: bigint, after: bigint): TileId[] {
  return growthOf(before, after).flatMap(({ level, from, to }) => {
    const tiles: TileId[] = [];
    for (let index = from / WIDTH; index * WIDTH < to; index++) {
      tiles.push({ level, index, width: tileWidth(level, index, after) });
    }
    return tiles;
  });
}

/**
 * The tiles of a tree of `size` that hold `nodes`, each once, at the width they have in that tree: what to
 * fetch before proofs are made of those nodes.
 */
export function tilesFor(
  nodes: readonly { readonly level: number; readonly index: bigint }[],
  size: bigint,
): TileId[] {
  const tiles = new Map<string, TileId>();
  for (const node of nodes) {
    const { level, index } = tileOf(node.level, node.index);
    tiles.set(`${level}/${index}`, { level, index, width: tileWidth(level, index, size) });
  }
  return [...tiles.values()];
}
