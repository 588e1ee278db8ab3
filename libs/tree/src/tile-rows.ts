/**
 * The tiles of one tree, read from their rows and kept in memory.
 *
 * A row only grows and keeps its prefix, so a tile that was read once never becomes wrong, only too short: it is
 * read again when somebody needs more of it than it has. Nothing is ever invalidated.
 */
import type { Pool } from 'pg';
import { Fault } from '#core/fault';
import type { NodeId, NodeReader } from '#core/merkle';
import { nodeInTile } from '#core/tile';
import { HashTile } from './hash-tile.js';

/** Where a tile stands. */
export interface TileId {
  readonly level: number;
  readonly n: bigint;
}

/** A tile, and how many of its hashes are needed. */
interface Need extends TileId {
  width: number;
}

/** About 16 KiB each. */
const CACHED_TILES = 2048;

function keyOf(level: number, n: bigint): string {
  return `${level}/${n}`;
}

export function missing(what: string): Fault {
  return new Fault(
    'corrupt',
    'tree/tile-missing',
    `${what} is missing or too short; run a check of the whole log`,
  );
}

export class TileRows {
  readonly #pool: Pool;
  readonly #shard: number;
  // Insertion order is order of use: a tile that is used is put at the end again.
  readonly #tiles = new Map<string, HashTile>();

  constructor(pool: Pool, shard: number) {
    this.#pool = pool;
    this.#shard = shard;
  }

  /** Takes in tiles whose rows are committed. */
  adopt(tiles: Iterable<readonly [TileId, HashTile]>): void {
    for (const [{ level, n }, tile] of tiles) this.#keep(keyOf(level, n), tile);
  }

  /** The first `width` hashes of a tile, or `undefined` if its row does not have so many. */
  async tile(level: number, n: bigint, width: number): Promise<HashTile | undefined> {
    const known = this.#tiles.get(keyOf(level, n));
    if (known !== undefined && known.width >= width) return known;
    await this.#load([{ level, n }]);
    const loaded = this.#tiles.get(keyOf(level, n));
    return loaded !== undefined && loaded.width >= width ? loaded : undefined;
  }

  /**
   * Fetches every tile that `nodes` stand in, then answers from memory.
   *
   * @throws {Fault} tree/tile-missing (corrupt): callers ask only for nodes below a committed head
   */
  async reader(nodes: readonly NodeId[]): Promise<NodeReader> {
    const needs = new Map<string, Need>();
    for (const node of nodes) {
      const { tileLevel: level, tileIndex: n, offset, count } = nodeInTile(node.level, node.index);
      const key = keyOf(level, n);
      const width = offset + count;
      const need = needs.get(key);
      if (need === undefined) needs.set(key, { level, n, width });
      else need.width = Math.max(need.width, width);
    }
    const short = [...needs].filter(([key, { width }]) => (this.#tiles.get(key)?.width ?? 0) < width);
    if (short.length > 0) await this.#load(short.map(([, need]) => need));

    // Held by this reader, so that eviction between two awaits cannot take a tile away from it.
    const held = new Map<string, HashTile>();
    for (const [key, { width }] of needs) {
      const tile = this.#tiles.get(key);
      if (tile === undefined || tile.width < width) throw missing(`tile ${key}`);
      this.#keep(key, tile);
      held.set(key, tile);
    }
    return (level, index) => {
      const { tileLevel, tileIndex, offset, count } = nodeInTile(level, index);
      const tile = held.get(keyOf(tileLevel, tileIndex));
      if (tile === undefined) throw missing(`tile ${tileLevel}/${tileIndex}`);
      return tile.node(offset, count);
    };
  }

  async #load(needs: readonly TileId[]): Promise<void> {
    const { rows } = await this.#pool.query<{ level: number; n: string; data: Buffer }>(
      `SELECT t.level, t.n, t.data
         FROM unnest($2::smallint[], $3::bigint[]) AS wanted(level, n)
         JOIN log_tile t ON t.shard = $1 AND t.level = wanted.level AND t.n = wanted.n`,
      [this.#shard, needs.map(({ level }) => level), needs.map(({ n }) => n.toString())],
    );
    for (const { level, n, data } of rows) {
      const key = `${level}/${n}`;
      // Two readers may have asked at once, and a writer may have grown it since: the wider one stays.
      if ((this.#tiles.get(key)?.width ?? 0) < data.length / 32) this.#keep(key, HashTile.of(data));
    }
  }

  #keep(key: string, tile: HashTile): void {
    const known = this.#tiles.get(key);
    this.#tiles.delete(key);
    this.#tiles.set(key, known !== undefined && known.width > tile.width ? known : tile);
    if (this.#tiles.size <= CACHED_TILES) return;
    const [oldest] = this.#tiles.keys();
    if (oldest !== undefined) this.#tiles.delete(oldest);
  }
}
