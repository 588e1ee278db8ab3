/**
 * The tree as it has been derived so far, above the leaves: what one range leaves behind for the next.
 *
 * All that is kept between two ranges is the frontier: the hashes over the largest complete subtrees of what has been
 * checked, at most one for each bit of the number of tiles. It comes from the bodies alone. So whoever takes up a check
 * again need not trust the database for what was verified before: if any octet of that part had been another one, the
 * root at the end would not be the signed one. What was changed *after* it was checked is for the next check to find.
 *
 * Roots are compared wherever somebody has put his name to one: at every stored checkpoint, and at each head that
 * is remembered elsewhere.
 */
import type { ClientBase } from 'pg';
import { Edge, emptyRoot, HASH_SIZE, nodeHash, type TreeHead } from '#core/merkle';
import { equalOctets } from '#core/octets';
import { TILE_WIDTH, tileRoot, tileWidth } from '#core/tile';
import { readRows } from '../read-rows.js';
import type { LeavesChecked, TreeUnderCheck } from './check-leaves.js';
import { compareTileFile } from './compare-files.js';
import { type Findings, hex } from './finding.js';

/** A head that somebody remembers outside the table of checkpoints. */
export interface Claim extends TreeHead {
  /** `journal`, `boundary 2026-11-01T00:00:00Z`, `files`. */
  readonly by: string;
  /** The signed text, where there is one. */
  readonly note?: string | undefined;
}

/** Where a check stands: enough to go on from. */
export interface Place {
  /** The first leaf that has not been checked; a multiple of 256. */
  readonly next: bigint;
  /** Largest subtrees first. */
  readonly frontier: readonly Uint8Array[];
  readonly lastStampMs: bigint | undefined;
}

const WIDTH = BigInt(TILE_WIDTH);
const HEIGHT = 8;
/** Tiles of levels 1 to 7; the database has no higher ones. */
const LEVELS = 7;

/** Hashes of one level that the range has completed, from number `first`. */
interface Completed {
  readonly first: bigint;
  readonly hashes: Uint8Array[];
}

export const BEGINNING: Place = { next: 0n, frontier: [], lastStampMs: undefined };

export class Derivation {
  /** Over tiles: its leaves are the hashes over full tiles of level 0. */
  readonly #edge: Edge;
  #lastStampMs: bigint | undefined;

  constructor(place: Place = BEGINNING) {
    this.#edge = new Edge(place.next / WIDTH, place.frontier);
    this.#lastStampMs = place.lastStampMs;
  }

  get place(): Place {
    return {
      next: this.#edge.size * WIDTH,
      frontier: [...this.#edge.hashes],
      lastStampMs: this.#lastStampMs,
    };
  }

  /**
   * Takes in the next range, and compares everything above it: rows and files of the higher levels, stored
   * checkpoints, claims. Answers the root at the end of the range.
   *
   * @param client in a transaction that is no older than the one in which the range was read
   */
  async take(
    client: ClientBase,
    tree: TreeUnderCheck,
    checked: LeavesChecked,
    claims: readonly Claim[],
    findings: Findings,
  ): Promise<Uint8Array> {
    const { range, tiles } = checked;
    if (range.start !== this.place.next) throw new RangeError(`leaf ${range.start} does not come next`);
    findings.take(checked.findings);
    this.#checkTime(checked, findings);
    const roots = new Map<bigint, Uint8Array>();
    const sizes = new Set([
      range.end,
      ...checked.heads.map(({ size }) => size),
      ...claims.map(({ size }) => size),
    ]);
    const completed = new Map<number, Completed>();
    const root = (size: bigint): void => {
      if (sizes.has(size)) roots.set(size, this.#root(checked.ragged.get(size)));
    };
    // Ragged sizes stand behind the tiles that are full before them.
    const ragged = [...checked.ragged.keys()].sort((a, b) => (a < b ? -1 : 1));
    let next = 0;
    const raggedBelow = (end: bigint): void => {
      for (let size = ragged[next]; size !== undefined && size < end; size = ragged[++next]) root(size);
    };
    root(range.start);
    for (let at = 0; at < tiles.length; at += HASH_SIZE) {
      raggedBelow((this.#edge.size + 1n) * WIDTH);
      this.#edge.append(tiles.subarray(at, at + HASH_SIZE), (level, index, hash) => {
        if (level % HEIGHT !== 0) return;
        const known = completed.get(level / HEIGHT + 1);
        if (known === undefined) completed.set(level / HEIGHT + 1, { first: index, hashes: [hash] });
        else known.hashes.push(hash);
      });
      root(this.#edge.size * WIDTH);
    }
    raggedBelow(range.end + 1n);
    for (const [level, hashes] of completed) await checkLevel(client, tree, level, hashes, findings);
    compareHeads(roots, checked, claims, findings);
    const end = roots.get(range.end);
    if (end === undefined) throw new RangeError('the range was not read to its end');
    return end;
  }

  #root(ragged: Uint8Array | undefined): Uint8Array {
    const nodes = ragged === undefined ? this.#edge.hashes : [...this.#edge.hashes, ragged];
    return nodes.length === 0 ? emptyRoot() : nodes.reduceRight((right, left) => nodeHash(left, right));
  }

  #checkTime({ range, firstStampMs, lastStampMs }: LeavesChecked, findings: Findings): void {
    if (firstStampMs !== undefined && this.#lastStampMs !== undefined && firstStampMs < this.#lastStampMs) {
      findings.add({
        what: 'leaf/time',
        at: { index: range.start.toString(), column: 'stamped_ms' },
        expected: `${this.#lastStampMs} or later`,
        found: firstStampMs.toString(),
      });
    }
    if (lastStampMs !== undefined && lastStampMs > (this.#lastStampMs ?? 0n)) this.#lastStampMs = lastStampMs;
  }
}

function compareHeads(
  roots: ReadonlyMap<bigint, Uint8Array>,
  { heads, range }: LeavesChecked,
  claims: readonly Claim[],
  findings: Findings,
): void {
  for (const { size, root, signedMs } of heads) {
    const derived = roots.get(size);
    if (derived === undefined || equalOctets(derived, root)) continue;
    const at = { size: size.toString(), signedMs, column: 'root' };
    findings.add({ what: 'checkpoint/root', at, expected: hex(derived), found: hex(root) });
  }
  for (const { size, root, by } of claims) {
    if (size > range.end || (size <= range.start && range.start !== 0n)) continue;
    const derived = roots.get(size);
    if (derived === undefined || equalOctets(derived, root)) continue;
    findings.add({
      what: 'claim/root',
      at: { size: size.toString(), by },
      expected: hex(derived),
      found: hex(root),
    });
  }
}

/** Rows and files of one level, where the range has completed hashes of it. */
async function checkLevel(
  client: ClientBase,
  tree: TreeUnderCheck,
  level: number,
  { first, hashes }: Completed,
  findings: Findings,
): Promise<void> {
  if (level > LEVELS) return;
  const end = first + BigInt(hashes.length);
  const rows = new Map<bigint, Buffer>();
  // Read together with the head: how wide a row must be depends on it.
  const select = `SELECT t.n, t.data, h.size FROM log_tile t JOIN log_head h ON h.shard = t.shard
    WHERE t.shard = ${tree.shard} AND t.level = ${level} AND t.n >= ${first / WIDTH} AND t.n <= ${(end - 1n) / WIDTH}`;
  for await (const some of readRows(client, select, 3)) {
    for (const [number, data, size] of some) {
      if (number === undefined || data === undefined || size === undefined) continue;
      const n = number.readBigInt64BE();
      rows.set(n, data);
      const width = tileWidth(level, n, size.readBigInt64BE());
      if (data.length === width * HASH_SIZE) continue;
      findings.add({
        what: 'tile/width',
        at: { level, tile: n.toString(), column: 'data' },
        expected: `${width} hashes`,
        found: `${data.length / HASH_SIZE} hashes`,
      });
    }
  }
  for (const [at, hash] of hashes.entries()) {
    const index = first + BigInt(at);
    compareEntry(rows.get(index / WIDTH), level, index, hash, findings);
    if (index % WIDTH === WIDTH - 1n)
      await compareWhole(tree, level, index / WIDTH, rows, hashes, at, findings);
  }
}

function compareEntry(
  row: Buffer | undefined,
  level: number,
  index: bigint,
  hash: Uint8Array,
  findings: Findings,
): void {
  const at = { level, tile: (index / WIDTH).toString() };
  const entry = Number(index % WIDTH);
  const [from, to] = [entry * HASH_SIZE, (entry + 1) * HASH_SIZE];
  if (row === undefined) {
    findings.add({ what: 'tile/missing', at, expected: 'a row', found: 'no row' });
    return;
  }
  // A row that is too short has been reported for that.
  if (row.length < to) return;
  const found = row.subarray(from, to);
  if (equalOctets(found, hash)) return;
  findings.add({
    what: 'tile/hash',
    at: { ...at, entry, column: 'data' },
    expected: hex(hash),
    found: hex(found),
  });
}

/** A tile that has just become full: its file, whose hashes of earlier ranges are known through the row. */
async function compareWhole(
  { files }: TreeUnderCheck,
  level: number,
  n: bigint,
  rows: ReadonlyMap<bigint, Buffer>,
  hashes: readonly Uint8Array[],
  last: number,
  findings: Findings,
): Promise<void> {
  const file = await files?.read(level, n);
  if (files === undefined || file === undefined) return;
  const row = rows.get(n);
  const whole =
    last + 1 >= TILE_WIDTH
      ? Buffer.concat(hashes.slice(last + 1 - TILE_WIDTH, last + 1))
      : row !== undefined && row.length === TILE_WIDTH * HASH_SIZE
        ? row
        : undefined;
  if (whole === undefined) {
    findings.add({
      what: 'file/differs',
      at: { level, tile: n.toString(), path: files.path(level, n) },
      expected: 'the row of this tile, which is not whole',
      found: `${file.length} octets over ${file.length === TILE_WIDTH * HASH_SIZE ? hex(tileRoot(file)) : 'nothing'}`,
    });
    return;
  }
  compareTileFile(files, level, n, file, whole, findings);
}
