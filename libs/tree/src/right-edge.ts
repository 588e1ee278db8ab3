/**
 * Where a tree grows: its right edge, and the tiles that stand along it.
 *
 * A replica keeps the edge between batches. Whenever the stored head is not the one it left behind (another
 * replica has written since), it reads the few tiles along the edge again and recomputes the root from them:
 * every hand-over between writers is a check of the tree, for nothing.
 */
import type { PoolClient } from 'pg';
import { Fault } from '#core/fault';
import { Edge, rootNodes, type TreeHead } from '#core/merkle';
import { equalOctets } from '#core/octets';
import { nodeInTile, TILE_HEIGHT, TILE_WIDTH, tileWidth } from '#core/tile';
import { HashTile } from './hash-tile.js';
import type { TileId } from './tile-rows.js';

/** A tree after a batch: nothing of it is true before COMMIT. */
export interface Growth {
  readonly edge: RightEdge;
  readonly head: TreeHead;
  /** Tiles that the batch made or grew, as their rows must now read. */
  readonly dirty: readonly (readonly [TileId, HashTile])[];
}

function contradiction(message: string): Fault {
  return new Fault('corrupt', 'tree/edge-mismatch', message);
}

export class RightEdge {
  readonly #edge: Edge;
  /** The unfinished tile of each level; a level whose last tile is full has none. */
  readonly #tiles: ReadonlyMap<number, HashTile>;
  readonly head: TreeHead;

  private constructor(edge: Edge, tiles: ReadonlyMap<number, HashTile>) {
    this.#edge = edge;
    this.#tiles = tiles;
    this.head = edge.head();
  }

  /**
   * Reads the edge of the tree whose committed head is `head` and proves that it leads to the stored root.
   *
   * @throws {Fault} tree/edge-mismatch (corrupt): nothing may be appended to or signed for this tree
   */
  static async read(client: Pick<PoolClient, 'query'>, shard: number, head: TreeHead): Promise<RightEdge> {
    const wanted: TileId[] = [];
    for (let level = 0; head.size >> BigInt(level * TILE_HEIGHT) > 0n; level++) {
      const n = head.size >> BigInt((level + 1) * TILE_HEIGHT);
      if (tileWidth(level, n, head.size) > 0) wanted.push({ level, n });
    }
    const { rows } = await client.query<{ level: number; data: Buffer }>(
      `SELECT t.level, t.data
         FROM unnest($2::smallint[], $3::bigint[]) AS wanted(level, n)
         JOIN log_tile t ON t.shard = $1 AND t.level = wanted.level AND t.n = wanted.n`,
      [shard, wanted.map(({ level }) => level), wanted.map(({ n }) => n.toString())],
    );
    const tiles = new Map(rows.map(({ level, data }) => [level, HashTile.of(data)]));
    for (const { level, n } of wanted) {
      const width = tiles.get(level)?.width ?? 0;
      if (width !== tileWidth(level, n, head.size)) {
        throw contradiction(
          `tile ${level}/${n} holds ${width} hashes, not what a tree of ${head.size} has there`,
        );
      }
    }
    const hashes = rootNodes(head.size).map(({ level, index }) => {
      const { tileLevel, offset, count } = nodeInTile(level, index);
      const tile = tiles.get(tileLevel);
      if (tile === undefined) throw contradiction(`no tile holds node ${level}/${index} of the edge`);
      return tile.node(offset, count);
    });
    const edge = new RightEdge(new Edge(head.size, hashes), tiles);
    if (!equalOctets(edge.head.root, head.root)) {
      throw contradiction(`the edge of the tree of ${head.size} does not lead to its stored root`);
    }
    return edge;
  }

  /** The tree with `leaves` (their hashes) appended; this edge stays as it is, in case the batch is lost. */
  grow(leaves: readonly Uint8Array[]): Growth {
    const edge = this.#edge.copy();
    const open = new Map(this.#tiles);
    const dirty = new Map<string, readonly [TileId, HashTile]>();
    for (const leaf of leaves) {
      edge.append(leaf, (nodeLevel, index, hash) => {
        if (nodeLevel % TILE_HEIGHT !== 0) return;
        const level = nodeLevel / TILE_HEIGHT;
        const n = index / BigInt(TILE_WIDTH);
        const key = `${level}/${n}`;
        let tile = dirty.get(key)?.[1];
        if (tile === undefined) {
          tile = open.get(level)?.copy() ?? HashTile.empty();
          dirty.set(key, [{ level, n }, tile]);
        }
        tile.push(hash);
        if (tile.width === TILE_WIDTH) open.delete(level);
        else open.set(level, tile);
      });
    }
    const grown = new RightEdge(edge, open);
    return { edge: grown, head: grown.head, dirty: [...dirty.values()] };
  }
}
