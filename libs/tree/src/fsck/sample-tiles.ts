/**
 * A random sample of full tiles, before a replica trusts a stored tree: each is compared with the leaves below it, with
 * the tiles above it up to the edge, which has been proved against the root, and with the file that this host has
 * published.
 *
 * Bounded in time, so that a start is not delayed; whoever wants to know about all of them runs a whole check.
 */
import { randomInt } from 'node:crypto';
import type { Pool } from 'pg';
import { Fault } from '#core/fault';
import { HASH_SIZE } from '#core/merkle';
import { equalOctets } from '#core/octets';
import { TILE_WIDTH, tileRoot } from '#core/tile';
import type { TileFiles } from '../tile-files.js';
import { compareTileFile } from './compare-files.js';
import { type Finding, Findings, formatPlace, hex } from './finding.js';

const TILES = 8;
/** So many in any case, however slow the database is. */
const LEAST_TILES = 4;
const MOST_MS = 100;
const WIDTH = BigInt(TILE_WIDTH);
/** `randomInt` draws from fewer than 2^48. */
const MOST_TILES = 1n << 47n;

export interface Sampled {
  readonly tiles: number;
}

/** @throws {Fault} tree/tile-mismatch (corrupt), with the exact place */
export async function sampleTiles(
  pool: Pool,
  shard: number,
  files: TileFiles,
  size: bigint,
  draw: (below: number) => number = (below) => randomInt(below),
): Promise<Sampled> {
  const full = size / WIDTH;
  if (full === 0n) return { tiles: 0 };
  const chosen = new Set<bigint>();
  if (full <= BigInt(TILES)) for (let n = 0n; n < full; n++) chosen.add(n);
  else while (chosen.size < TILES) chosen.add(BigInt(draw(Number(full < MOST_TILES ? full : MOST_TILES))));
  const begun = performance.now();
  let tiles = 0;
  for (const n of chosen) {
    if (tiles >= LEAST_TILES && performance.now() - begun > MOST_MS) break;
    await checkPath(pool, shard, files, size, n);
    tiles++;
  }
  return { tiles };
}

async function checkPath(
  pool: Pool,
  shard: number,
  files: TileFiles,
  size: bigint,
  lowest: bigint,
): Promise<void> {
  const findings = new Findings();
  const leaves = await pool.query<{ idx: string; leaf_hash: Buffer }>(
    'SELECT idx, leaf_hash FROM log_leaf WHERE shard = $1 AND idx >= $2 AND idx < $3 ORDER BY idx',
    [shard, (lowest * WIDTH).toString(), ((lowest + 1n) * WIDTH).toString()],
  );
  const path: { readonly level: number; readonly n: bigint }[] = [];
  for (let level = 0, n = lowest; size >> BigInt(8 * level) > 0n; level++, n /= WIDTH)
    path.push({ level, n });
  const { rows } = await pool.query<{ level: number; data: Buffer }>(
    `SELECT t.level, t.data FROM unnest($2::smallint[], $3::bigint[]) AS wanted(level, n)
       JOIN log_tile t ON t.shard = $1 AND t.level = wanted.level AND t.n = wanted.n`,
    [shard, path.map(({ level }) => level), path.map(({ n }) => n.toString())],
  );
  const tiles = new Map(rows.map(({ level, data }) => [level, data]));
  const bottom = tiles.get(0);
  const hashes = new Map(leaves.rows.map((row) => [BigInt(row.idx), row.leaf_hash]));
  const parent = tiles
    .get(1)
    ?.subarray(Number(lowest % WIDTH) * HASH_SIZE)
    .subarray(0, HASH_SIZE);
  // The tile above is the judge between a tile and the hashes of its leaves.
  const whole = bottom?.length === TILE_WIDTH * HASH_SIZE ? bottom : undefined;
  const holds = whole !== undefined && parent !== undefined && equalOctets(tileRoot(whole), parent);
  for (let entry = 0; whole !== undefined && entry < TILE_WIDTH; entry++) {
    const index = lowest * WIDTH + BigInt(entry);
    const [stored, leaf] = [whole.subarray(entry * HASH_SIZE, (entry + 1) * HASH_SIZE), hashes.get(index)];
    if (leaf !== undefined && leaf.equals(stored)) continue;
    const at = { index: index.toString() };
    if (leaf === undefined)
      findings.add({ what: 'leaf/missing', at, expected: hex(stored), found: 'no row' });
    else if (holds)
      findings.add({
        what: 'leaf/hash',
        at: { ...at, column: 'leaf_hash' },
        expected: hex(stored),
        found: hex(leaf),
      });
    else
      findings.add({
        what: 'tile/hash',
        at: { level: 0, tile: lowest.toString(), entry, column: 'data' },
        expected: hex(leaf),
        found: hex(stored),
      });
  }
  for (const { level, n } of path) {
    const tile = tiles.get(level);
    if (tile === undefined) {
      findings.add({
        what: 'tile/missing',
        at: { level, tile: n.toString() },
        expected: 'a row',
        found: 'no row',
      });
      break;
    }
    // A tile that is not full is one of the edge, and that has been proved.
    if (tile.length !== TILE_WIDTH * HASH_SIZE) break;
    const file = await files.read(level, n);
    if (file !== undefined) compareTileFile(files, level, n, Buffer.from(file), tile, findings);
    const above = tiles.get(level + 1);
    if (above === undefined) continue;
    const entry = Number(n % WIDTH);
    const [wanted, found] = [tileRoot(tile), above.subarray(entry * HASH_SIZE, (entry + 1) * HASH_SIZE)];
    if (equalOctets(wanted, found)) continue;
    findings.add({
      what: 'tile/hash',
      at: { level: level + 1, tile: (n / WIDTH).toString(), entry, column: 'data' },
      expected: hex(wanted),
      found: hex(found),
    });
  }
  const [first] = findings.kept;
  if (first !== undefined) throw mismatch(first, findings.total);
}

function mismatch(first: Finding, total: number): Fault {
  return new Fault(
    'corrupt',
    'tree/tile-mismatch',
    `a sample of the stored tiles contradicts itself (${formatPlace(first)}${total > 1 ? `, and ${total - 1} more` : ''}); nothing is signed. Run \`airseal log fsck\``,
    { detail: { place: formatPlace(first) } },
  );
}
