import type { Pool } from 'pg';
import type { TreeHead } from '#core/merkle';
import { formatBundle, TILE_HEIGHT, TILE_WIDTH, type TileLevel } from '#core/tile';
import type { TileFiles } from './tile-files.js';
import { missing, type TileRows } from './tile-rows.js';

/** Files per call: a new host that has a million leaves to catch up with must not keep anyone waiting. */
const FILES_PER_CALL = 64;

function fullTiles(level: TileLevel, size: bigint): bigint {
  return size >> BigInt(TILE_HEIGHT * ((level === 'entries' ? 0 : level) + 1));
}

/** Writes full tiles and bundles of one tree as files, in order, from the rows. */
export class Publication {
  readonly #pool: Pool;
  readonly #shard: number;
  readonly #rows: TileRows;
  readonly #files: TileFiles;
  /** The first tile of each level that is not known to have its file. */
  readonly #next = new Map<TileLevel, bigint>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(pool: Pool, shard: number, rows: TileRows, files: TileFiles) {
    this.#pool = pool;
    this.#shard = shard;
    this.#rows = rows;
    this.#files = files;
  }

  /** Writes what a tree of `head.size` has full; resolves to whether all of it is written now. */
  publish(head: TreeHead): Promise<boolean> {
    const turn = this.#turn.then(() => this.#publish(head));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  /** The bodies of leaves `start` up to but not including `end`. @throws {Fault} tree/tile-missing */
  async bodies(start: bigint, end: bigint): Promise<Uint8Array[]> {
    const { rows } = await this.#pool.query<{ body: Buffer }>(
      'SELECT body FROM log_leaf WHERE shard = $1 AND idx >= $2 AND idx < $3 ORDER BY idx',
      [this.#shard, start.toString(), end.toString()],
    );
    if (BigInt(rows.length) !== end - start) throw missing(`a leaf between ${start} and ${end}`);
    return rows.map(({ body }) => body);
  }

  async #publish(head: TreeHead): Promise<boolean> {
    let budget = FILES_PER_CALL;
    for (const level of ['entries', 0, 1, 2, 3, 4, 5, 6] as const) {
      const end = fullTiles(level, head.size);
      if (end === 0n) continue;
      let n = this.#next.get(level) ?? (await this.#firstWithoutFile(level, end));
      for (; n < end && budget > 0; n++, budget--) {
        await this.#files.publish(level, n, await this.#content(level, n));
        this.#next.set(level, n + 1n);
      }
      if (n < end) return false;
    }
    await this.#files.remember(head);
    return true;
  }

  async #content(level: TileLevel, n: bigint): Promise<Uint8Array> {
    if (level === 'entries') {
      const start = n * BigInt(TILE_WIDTH);
      return formatBundle(await this.bodies(start, start + BigInt(TILE_WIDTH)));
    }
    const tile = await this.#rows.tile(level, n, TILE_WIDTH);
    if (tile === undefined) throw missing(`tile ${level}/${n}`);
    return tile.bytes();
  }

  /** Files are written in order, so halving finds the first gap. */
  async #firstWithoutFile(level: TileLevel, end: bigint): Promise<bigint> {
    let [low, high] = [0n, end];
    while (low < high) {
      const middle = (low + high) / 2n;
      if (await this.#files.has(level, middle)) low = middle + 1n;
      else high = middle;
    }
    this.#next.set(level, low);
    return low;
  }
}
