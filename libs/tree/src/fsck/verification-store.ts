/** Where the slow check of each tree stands, as rows: one replica holds the row while it works on it. */
import type { Pool, PoolClient } from 'pg';
import { Fault } from '#core/fault';
import { HASH_SIZE, type TreeHead } from '#core/merkle';
import { concat } from '#core/octets';
import { bytea } from '../copy-rows.js';
import { BEGINNING, type Place } from './derivation.js';
import { type Finding, formatPlace } from './finding.js';

/** A pass as its row says. */
export interface Pass {
  readonly pass: bigint;
  readonly running: boolean;
  readonly startedMs: number;
  readonly place: Place;
  /** The head when the pass began: it ends there. */
  readonly until: TreeHead | undefined;
}

export interface KnownFault {
  readonly place: string;
  readonly what: string;
  readonly expected: string;
  readonly found: string;
  readonly stops: boolean;
  readonly firstMs: number;
}

/** What one tree's check can say of itself. */
export interface Coverage {
  readonly tree: string;
  readonly shard: number;
  readonly running: boolean;
  /** Leaves that the pass under way, or the last one, has been over. */
  readonly verified: bigint;
  readonly startedMs: number;
  readonly until: bigint;
  readonly fullPasses: bigint;
  /** The last pass that went from the first leaf to its end. */
  readonly full: { readonly size: bigint; readonly startedMs: number; readonly endedMs: number } | undefined;
  /** Those that the last full pass, or the one under way, has seen. */
  readonly faults: readonly KnownFault[];
}

interface Row {
  pass: string;
  running: boolean;
  started_ms: string;
  next_idx: string;
  frontier: Buffer;
  last_stamp_ms: string | null;
  until_size: string;
  until_root: Buffer | null;
}

function hashesOf(frontier: Buffer): Uint8Array[] {
  return Array.from({ length: frontier.length / HASH_SIZE }, (_, at) =>
    frontier.subarray(at * HASH_SIZE, (at + 1) * HASH_SIZE),
  );
}

/** Takes the row of `shard` for this transaction; `undefined` if another replica has it. */
export async function holdPass(client: PoolClient, shard: number): Promise<Pass | undefined> {
  const { rows } = await client.query<Row>(
    `SELECT pass, running, started_ms, next_idx, frontier, last_stamp_ms, until_size, until_root
       FROM log_verification WHERE shard = $1 FOR UPDATE SKIP LOCKED`,
    [shard],
  );
  const [row] = rows;
  if (row === undefined) return undefined;
  return {
    pass: BigInt(row.pass),
    running: row.running,
    startedMs: Number(row.started_ms),
    place: {
      next: BigInt(row.next_idx),
      frontier: hashesOf(row.frontier),
      lastStampMs: row.last_stamp_ms === null ? undefined : BigInt(row.last_stamp_ms),
    },
    until: row.until_root === null ? undefined : { size: BigInt(row.until_size), root: row.until_root },
  };
}

/** A new pass over the tree as `head` has it. */
export async function beginPass(
  client: PoolClient,
  shard: number,
  head: TreeHead,
  nowMs: number,
): Promise<Pass> {
  const { rows } = await client.query<{ pass: string }>(
    `UPDATE log_verification SET pass = pass + 1, running = true, started_ms = $2, next_idx = 0, frontier = '',
            last_stamp_ms = NULL, until_size = $3, until_root = $4
      WHERE shard = $1 RETURNING pass`,
    [shard, nowMs, head.size.toString(), bytea(head.root)],
  );
  return { pass: BigInt(rows[0]?.pass ?? 0), running: true, startedMs: nowMs, place: BEGINNING, until: head };
}

export async function keepPlace(client: PoolClient, shard: number, place: Place): Promise<void> {
  await client.query(
    'UPDATE log_verification SET next_idx = $2, frontier = $3, last_stamp_ms = $4 WHERE shard = $1',
    [
      shard,
      place.next.toString(),
      bytea(concat(...place.frontier)),
      place.lastStampMs === undefined ? null : place.lastStampMs.toString(),
    ],
  );
}

export async function endPass(client: PoolClient, shard: number, nowMs: number): Promise<void> {
  await client.query(
    `UPDATE log_verification SET running = false, next_idx = until_size, full_passes = full_passes + 1,
            full_pass = pass, full_started_ms = started_ms, full_ended_ms = $2, full_size = until_size
      WHERE shard = $1`,
    [shard, nowMs],
  );
}

/** Notes a fault; answers whether it is a new one. */
export async function noteFault(
  client: PoolClient,
  shard: number,
  pass: bigint,
  finding: Finding,
  stops: boolean,
  nowMs: number,
): Promise<boolean> {
  const values = [shard, formatPlace(finding), pass.toString(), stops];
  const known = await client.query(
    'UPDATE log_fault SET pass = $3, stops = stops OR $4 WHERE shard = $1 AND place = $2',
    values,
  );
  if (known.rowCount === 1) return false;
  await client.query(
    `INSERT INTO log_fault (shard, place, pass, stops, what, expected, found, first_ms)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [...values, finding.what, finding.expected, finding.found, nowMs],
  );
  return true;
}

/** Rows for trees that have none yet. */
export async function bear(pool: Pool, shards: readonly number[]): Promise<void> {
  await pool.query('INSERT INTO log_verification (shard) SELECT unnest($1::int[]) ON CONFLICT DO NOTHING', [
    shards,
  ]);
}

export async function readCoverage(pool: Pool): Promise<Coverage[]> {
  const { rows } = await pool.query<
    Row & {
      shard: number;
      name: string;
      full_passes: string;
      full_started_ms: string | null;
      full_ended_ms: string | null;
      full_size: string | null;
      faults: readonly (Omit<KnownFault, 'firstMs'> & { first_ms: number })[] | null;
    }
  >(
    `SELECT s.name, v.*, (
       SELECT json_agg(json_build_object('place', place, 'what', what, 'expected', expected, 'found', found,
                                         'stops', stops, 'first_ms', first_ms) ORDER BY first_ms, place)
         FROM log_fault f WHERE f.shard = v.shard AND f.pass >= v.full_pass) AS faults
       FROM log_verification v JOIN log_shard s ON s.id = v.shard ORDER BY s.name`,
  );
  return rows.map((row) => ({
    tree: row.name,
    shard: row.shard,
    running: row.running,
    verified: BigInt(row.next_idx),
    startedMs: Number(row.started_ms),
    until: BigInt(row.until_size),
    fullPasses: BigInt(row.full_passes),
    full:
      row.full_size === null
        ? undefined
        : {
            size: BigInt(row.full_size),
            startedMs: Number(row.full_started_ms),
            endedMs: Number(row.full_ended_ms),
          },
    faults: (row.faults ?? []).map(({ first_ms: firstMs, ...fault }) => ({ ...fault, firstMs })),
  }));
}

/** Why a tree signs nothing in which a check has found this place. */
export function verificationFailed(place: string): Fault {
  return new Fault(
    'corrupt',
    'tree/verification-failed',
    `the check of this log found a contradiction in what is signed (${place}); nothing is signed. Run \`airseal log fsck\``,
    { detail: { place } },
  );
}

/** What stops this tree, if any replica has noted such a fault and no whole pass has been over it since. */
export async function readStop(pool: Pool, shard: number): Promise<Fault | undefined> {
  const { rows } = await pool.query<{ place: string }>(
    `SELECT f.place FROM log_fault f JOIN log_verification v USING (shard)
      WHERE f.shard = $1 AND f.stops AND f.pass >= v.full_pass ORDER BY f.first_ms, f.place LIMIT 1`,
    [shard],
  );
  const [row] = rows;
  return row === undefined ? undefined : verificationFailed(row.place);
}
