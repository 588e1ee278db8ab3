/**
 * A tree cut into tiles (C2SP tlog-tiles).
 *
 * A tile lists up to 256 hashes of one level that is a multiple of eight; everything between two such levels
 * is recomputed from it. A full tile never changes again, and a partial one is a prefix of it, so a tile is
 * stored by growing and served without locks.
 */
export { TILE_HEIGHT, TILE_WIDTH, parseTilePath, tilePath, type TileLevel, type TilePath } from './path.js';
export { MAX_ENTRY_BYTES, formatBundle, parseBundle } from './bundle.js';
export {
  growthOf,
  hashInTile,
  hashesOfTile,
  nodeInTile,
  tileOf,
  tileRoot,
  tileWidth,
  tilesFor,
  tilesGrown,
  type Growth,
  type NodePlace,
  type TileId,
} from './tile.js';
