/**
 * Derives a range of leaves again, from the bodies up to the hash over each full tile.
 *
 *   1. snapshot   the caller has begun one transaction that sees one state; the head in it says how wide every row
 *                 must be, so a log may grow while it is being checked
 *   2. stream     bodies, hashes, times and promises come in order; what is not there is missing by its number
 *   3. settle     a leaf has three witnesses: the hash of its body, its own column, its place in the tile. Where one
 *                 differs, that one is at fault, and the hash of the other two goes on: the root, which is compared
 *                 at the end, says whether that was right, and one fault is not found again at every level above
 *   4. files      bundles and tiles of this host hold the same octets
 *   5. keys       each leaf is found under its hash, and under its identity where it has one
 *   6. heads      every stored checkpoint in the range is signed by this log; its root is for the caller to compare
 *
 * Nothing is written. A body is hashed where it lies in the stream.
 */
import type { PoolClient } from 'pg';
import { sha256 } from '#core/crypto';
import { HASH_SIZE, nodeHash, type TreeHead } from '#core/merkle';
import { TILE_WIDTH, tileWidth } from '#core/tile';
import { HashTile } from '../hash-tile.js';
import { readRows, type RowFields } from '../read-rows.js';
import { compareBundle, compareTileFile } from './compare-files.js';
import { missingKeys, unfoundKeys, type LeafKey } from './check-keys.js';
import { Findings, hex, type Found } from './finding.js';
import type { TileFilesReader } from './read-tile-files.js';
import type { TreeRules } from './tree-rules.js';

/** Leaves `start` up to but not including `end`; `start` is a multiple of 256. */
export interface LeafRange {
  readonly start: bigint;
  readonly end: bigint;
}

export interface TreeUnderCheck {
  readonly name: string;
  readonly shard: number;
  readonly rules: TreeRules;
  /** Absent where no files are looked at. */
  readonly files?: TileFilesReader | undefined;
}

/** A stored checkpoint whose signature holds; its root is still to be compared. */
export interface StoredHead extends TreeHead {
  readonly signedMs: string;
}

export interface LeavesChecked {
  readonly range: LeafRange;
  /** The hash over each full tile of the range, 32 octets each. */
  readonly tiles: Uint8Array;
  /** For each size that was asked for and is not a multiple of 256: the hash over the leaves of its last tile. */
  readonly ragged: ReadonlyMap<bigint, Uint8Array>;
  readonly heads: readonly StoredHead[];
  readonly findings: Found;
  /** Rows that should be in the deduplication table for this range, and are not. */
  readonly keysMissing: number;
  readonly firstStampMs: bigint | undefined;
  readonly lastStampMs: bigint | undefined;
}

interface Leaf {
  readonly body: Buffer;
  readonly hash: Buffer;
  readonly column: Buffer;
  readonly stampMs: bigint;
  readonly promise: Buffer | undefined;
}

const NODE_BYTES = 1 + 2 * HASH_SIZE;
const NOTHING = new Uint8Array(HASH_SIZE);
const WIDTH = BigInt(TILE_WIDTH);

/** The hash over a full tile, in place: the octets of `work` are used up. */
function fold(work: Buffer, scratch: Buffer): Buffer {
  for (let count = TILE_WIDTH; count > 1; count /= 2) {
    for (let pair = 0; pair < count / 2; pair++) {
      work.copy(scratch, 1, pair * 2 * HASH_SIZE, (pair + 1) * 2 * HASH_SIZE);
      work.set(sha256(scratch), pair * HASH_SIZE);
    }
  }
  return work.subarray(0, HASH_SIZE);
}

/** The hash over the first `count` hashes of a tile that has more places than that. */
function foldRagged(tile: HashTile, count: number): Uint8Array {
  const nodes: Uint8Array[] = [];
  for (let bit = TILE_WIDTH, at = 0; bit >= 1; bit /= 2) {
    if ((count & bit) === 0) continue;
    nodes.push(tile.node(at, bit));
    at += bit;
  }
  return nodes.reduceRight((right, left) => nodeHash(left, right));
}

/**
 * The hash of the leaf whose body is `body`, a view of a stream that is read only here. The octet before it belongs
 * to its length, which has been read: the domain's zero takes its place, and nothing is copied.
 */
function hashInPlace(body: Buffer): Buffer {
  const view = Buffer.from(body.buffer, body.byteOffset - 1, body.length + 1);
  view[0] = 0;
  return sha256(view) as Buffer;
}

/** Settles one tile at a time; all the state of one call of `checkLeaves`. */
class LeafChecker {
  readonly findings = new Findings();
  readonly tiles: Buffer[] = [];
  readonly ragged = new Map<bigint, Uint8Array>();
  /** Leaves whose column is not what they are known under. */
  readonly doubted: LeafKey[] = [];
  readonly identities: LeafKey[] = [];
  firstStampMs: bigint | undefined;
  lastStampMs: bigint | undefined;
  readonly #tree: TreeUnderCheck;
  readonly #size: bigint;
  readonly #rows: ReadonlyMap<bigint, Buffer>;
  readonly #sizes: readonly bigint[];
  readonly #scratch = Buffer.alloc(NODE_BYTES, 1);

  constructor(
    tree: TreeUnderCheck,
    size: bigint,
    rows: ReadonlyMap<bigint, Buffer>,
    sizes: readonly bigint[],
  ) {
    this.#tree = tree;
    this.#size = size;
    this.#rows = rows;
    this.#sizes = sizes;
  }

  /** @param leaves of tile `n`, by their place; holes where there is no row */
  async tile(n: bigint, width: number, leaves: readonly (Leaf | undefined)[]): Promise<void> {
    const row = this.#rows.get(n);
    const start = n * WIDTH;
    this.#checkRow(n, row);
    const carried = Buffer.allocUnsafe(width * HASH_SIZE);
    for (let at = 0; at < width; at++) this.#settle(start + BigInt(at), at, leaves[at], row, carried);
    const { files } = this.#tree;
    if (width === TILE_WIDTH && files !== undefined) {
      compareTileFile(files, 0, n, await files.read(0, n), carried, this.findings);
      const bodies = leaves.map((leaf, at) =>
        leaf !== undefined && leaf.hash.compare(carried, at * HASH_SIZE, (at + 1) * HASH_SIZE) === 0
          ? leaf.body
          : undefined,
      );
      compareBundle(files, n, await files.read('entries', n), bodies, carried, this.findings);
    }
    const inside = this.#sizes.filter((size) => size > start && size < start + WIDTH);
    if (inside.length > 0) {
      const tile = HashTile.of(carried);
      for (const size of inside) {
        const count = Number(size - start);
        if (count <= width) this.ragged.set(size, foldRagged(tile, count));
      }
    }
    if (width === TILE_WIDTH) this.tiles.push(fold(carried, this.#scratch));
  }

  #checkRow(n: bigint, row: Buffer | undefined): void {
    const at = { level: 0, tile: n.toString() };
    const expected = tileWidth(0, n, this.#size);
    if (row === undefined) {
      this.findings.add({ what: 'tile/missing', at, expected: `${expected} hashes`, found: 'no row' });
    } else if (row.length !== expected * HASH_SIZE) {
      this.findings.add({
        what: 'tile/width',
        at: { ...at, column: 'data' },
        expected: `${expected} hashes`,
        found: `${row.length / HASH_SIZE} hashes`,
      });
    }
  }

  #settle(index: bigint, at: number, leaf: Leaf | undefined, row: Buffer | undefined, carried: Buffer): void {
    const [from, to] = [at * HASH_SIZE, (at + 1) * HASH_SIZE];
    const entry = row === undefined || row.length < to ? undefined : row.subarray(from, to);
    if (leaf === undefined) {
      this.findings.add({
        what: 'leaf/missing',
        at: { index: index.toString() },
        expected: hex(entry),
        found: 'no row',
      });
      carried.set(entry ?? NOTHING, from);
      return;
    }
    this.#checkTime(index, leaf);
    const { hash, column } = leaf;
    if (entry !== undefined && hash.equals(column) && hash.equals(entry)) {
      carried.set(hash, from);
      this.#checkMeaning(index, leaf);
      return;
    }
    const place = { index: index.toString() };
    if (hash.equals(column)) {
      carried.set(hash, from);
      if (entry !== undefined) this.#tileDiffers(index, at, hash, entry);
      this.#checkMeaning(index, leaf);
    } else if (entry?.equals(column) === true) {
      carried.set(column, from);
      this.findings.add({
        what: 'leaf/body',
        at: { ...place, column: 'body' },
        expected: hex(column),
        found: hex(hash),
      });
    } else {
      // The body is what everybody was promised; without a second witness against it, it is believed.
      carried.set(hash, from);
      this.findings.add({
        what: 'leaf/hash',
        at: { ...place, column: 'leaf_hash' },
        expected: hex(hash),
        found: hex(column),
      });
      this.doubted.push({ key: hash, index });
      this.#checkMeaning(index, leaf);
      if (entry !== undefined && !entry.equals(hash)) this.#tileDiffers(index, at, hash, entry);
    }
  }

  #tileDiffers(index: bigint, entry: number, expected: Buffer, found: Buffer): void {
    const at = { level: 0, tile: (index / WIDTH).toString(), entry, column: 'data' };
    this.findings.add({ what: 'tile/hash', at, expected: hex(expected), found: hex(found) });
  }

  #checkTime(index: bigint, { stampMs }: Leaf): void {
    if (this.lastStampMs !== undefined && stampMs < this.lastStampMs) {
      this.findings.add({
        what: 'leaf/time',
        at: { index: index.toString(), column: 'stamped_ms' },
        expected: `${this.lastStampMs} or later`,
        found: stampMs.toString(),
      });
    } else this.lastStampMs = stampMs;
    this.firstStampMs ??= stampMs;
  }

  /** What only a sound body can be asked: of a damaged one everything would be wrong. */
  #checkMeaning(index: bigint, { body, stampMs, promise }: Leaf): void {
    const { identityOf, verifyPromise } = this.#tree.rules;
    if (identityOf !== undefined) this.identities.push({ key: identityOf(body), index });
    if (promise === undefined || verifyPromise === undefined) return;
    try {
      verifyPromise({ index, body, timestampMs: stampMs }, promise);
    } catch {
      this.findings.add({
        what: 'promise/signature',
        at: { index: index.toString(), column: 'signature' },
        expected: 'a signature of this log over this leaf and its time',
        found: hex(promise),
      });
    }
  }
}

function leafOf([, stamp, column, body, promise]: RowFields): Leaf {
  if (stamp === undefined || column === undefined || body === undefined)
    throw new TypeError('a column that is never null is');
  return { body, hash: hashInPlace(body), column, stampMs: stamp.readBigInt64BE(), promise };
}

async function tileRows(client: PoolClient, shard: number, first: bigint, end: bigint) {
  const rows = new Map<bigint, Buffer>();
  const select = `SELECT n, data FROM log_tile WHERE shard = ${shard} AND level = 0 AND n >= ${first} AND n < ${end}`;
  for await (const some of readRows(client, select, 2)) {
    for (const [n, data] of some)
      if (n !== undefined && data !== undefined) rows.set(n.readBigInt64BE(), data);
  }
  return rows;
}

/** Checkpoints of sizes above `start` up to and including `end`; of size zero with the first leaf. */
async function storedHeads(
  client: PoolClient,
  { shard, rules }: TreeUnderCheck,
  { start, end }: LeafRange,
  findings: Findings,
): Promise<StoredHead[]> {
  const { rows } = await client.query<{ size: string; signed_ms: string; root: Buffer; note: string }>(
    `SELECT size, signed_ms, root, note FROM log_checkpoint WHERE shard = $1 AND size > $2 AND size <= $3
      ORDER BY size, signed_ms`,
    [shard, (start === 0n ? -1n : start).toString(), end.toString()],
  );
  const heads: StoredHead[] = [];
  for (const { size, signed_ms: signedMs, root, note } of rows) {
    const head = { size: BigInt(size), root, signedMs };
    try {
      rules.verifyCheckpoint(note, head);
      heads.push(head);
    } catch (error) {
      findings.add({
        what: 'checkpoint/signature',
        at: { size, signedMs, column: 'note' },
        expected: `a checkpoint signed by this log of the root ${hex(root)}`,
        found: error instanceof Error ? error.message : String(error),
      });
    }
  }
  return heads;
}

function leavesQuery({ shard, rules }: TreeUnderCheck, { start, end }: LeafRange): string {
  const promise = rules.verifyPromise === undefined ? 'NULL::bytea' : 's.signature';
  const join =
    rules.verifyPromise === undefined ? '' : 'LEFT JOIN log_set s ON s.shard = l.shard AND s.idx = l.idx';
  return `SELECT l.idx, l.stamped_ms, l.leaf_hash, l.body, ${promise} FROM log_leaf l ${join}
           WHERE l.shard = ${shard} AND l.idx >= ${start} AND l.idx < ${end} ORDER BY l.idx`;
}

/**
 * Checks `range`, which must lie below the committed head, in the transaction that `client` is in.
 *
 * @param sizes whose ragged hash the caller wants besides those of stored checkpoints
 * @param turn awaited after each tile, so that whoever shares this thread gets a turn
 */
export async function checkLeaves(
  client: PoolClient,
  tree: TreeUnderCheck,
  range: LeafRange,
  sizes: readonly bigint[] = [],
  turn?: () => Promise<void>,
): Promise<LeavesChecked> {
  const { start, end } = range;
  if (start % WIDTH !== 0n || end < start) throw new RangeError('a range begins with a tile');
  // A young table would be read from end to end for each key.
  const answer: unknown = await client.query(
    `SET LOCAL enable_seqscan = off; SELECT size FROM log_head WHERE shard = ${tree.shard}`,
  );
  const size = BigInt(
    (answer as readonly { rows: readonly { size: string }[] }[]).at(-1)?.rows[0]?.size ?? 0,
  );
  const ofHeads = new Findings();
  const heads = await storedHeads(client, tree, range, ofHeads);
  const wanted = [...new Set([...sizes, ...heads.map((head) => head.size), end])];
  const lastTile = (end + WIDTH - 1n) / WIDTH;
  const rows = await tileRows(client, tree.shard, start / WIDTH, lastTile);
  const checker = new LeafChecker(tree, size, rows, wanted);
  checker.findings.take(ofHeads.found);

  let n = start / WIDTH;
  let leaves: (Leaf | undefined)[] = [];
  const settleUpTo = async (next: bigint): Promise<void> => {
    for (; n < next; n++) {
      await checker.tile(n, tileWidth(0, n, end), leaves);
      leaves = [];
      await turn?.();
    }
  };
  for await (const some of readRows(client, leavesQuery(tree, range), 5)) {
    for (const fields of some) {
      const index = fields[0]?.readBigInt64BE() ?? 0n;
      if (index / WIDTH > n) await settleUpTo(index / WIDTH);
      leaves[Number(index % WIDTH)] = leafOf(fields);
    }
  }
  await settleUpTo(lastTile);

  const keysMissing =
    (await missingKeys(client, tree.shard, range, checker.doubted, checker.findings)) +
    (await unfoundKeys(client, tree.shard, checker.identities, 'identity', checker.findings));
  return {
    range,
    tiles: Buffer.concat(checker.tiles),
    ragged: checker.ragged,
    heads,
    findings: checker.findings.found,
    keysMissing,
    firstStampMs: checker.firstStampMs,
    lastStampMs: checker.lastStampMs,
  };
}
