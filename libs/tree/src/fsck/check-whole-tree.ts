/**
 * One tree from its first leaf to its head, range by range.
 *
 *   1. claims  what others remember of this tree is collected first: whatever it is, the head that is read next is at
 *              least as large
 *   2. ranges  several at once, wherever the runner has room; taken in one after another, in order
 *   3. head    the root that was derived is the stored one
 *   4. rest    what stands where nothing should
 *
 * After each range the place is handed out, so that an interrupted check goes on there.
 */
import type { Pool } from 'pg';
import { rootNodes, type TreeHead } from '#core/merkle';
import { equalOctets } from '#core/octets';
import { TILE_WIDTH } from '#core/tile';
import { TileRows } from '../tile-rows.js';
import { checkLeaves, type LeafRange, type LeavesChecked, type TreeUnderCheck } from './check-leaves.js';
import { checkRest } from './check-rest.js';
import { BEGINNING, type Claim, Derivation, type Place } from './derivation.js';
import { Findings, type Found, hex } from './finding.js';
import { inSnapshot } from './snapshot.js';

/** Leaves of one range: long enough that its queries cost nothing, short enough to show progress. */
const RANGE_LEAVES = 32_768n;

/** Checks a range somewhere: in this thread, or in another. */
export interface RangeRunner {
  /** How many it does at once. */
  readonly atOnce: number;
  check(range: LeafRange, sizes: readonly bigint[]): Promise<LeavesChecked>;
}

/** A stored checkpoint whose signature holds. */
export type CheckedHead = TreeHead & { readonly signedMs: string };

/** A check as far as it has come. */
export interface CheckState {
  readonly place: Place;
  readonly found: Found;
  readonly keysMissing: number;
  readonly checkpoints: number;
  /** The newest stored checkpoint that has been met. */
  readonly checkpoint: CheckedHead | undefined;
  /** The first leaf that this check derived itself; what lies before was taken from stored tiles. */
  readonly from: bigint;
}

export interface WholeTreeParts {
  readonly pool: Pool;
  readonly tree: TreeUnderCheck;
  readonly runner: RangeRunner;
  /** Heads of this tree that others remember. */
  readonly claims: () => Promise<readonly Claim[]>;
  /** Where an earlier check stopped. */
  readonly state?: CheckState | undefined;
  /** Begin here instead, at the tile that holds this leaf; what is before is believed, and the report says so. */
  readonly from?: bigint | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Leaves of one range, a multiple of 256. */
  readonly rangeLeaves?: bigint | undefined;
  /** Called after each range. */
  readonly reached?: ((state: CheckState, size: bigint) => Promise<void>) | undefined;
}

export interface TreeReport {
  readonly tree: string;
  readonly from: bigint;
  /** Leaves below it have been checked. */
  readonly to: bigint;
  readonly head: TreeHead | undefined;
  /** The newest stored checkpoint that is over leaves that were checked. */
  readonly checkpoint: CheckedHead | undefined;
  /** Stored checkpoints whose signature was checked. */
  readonly checkpoints: number;
  readonly found: Found;
  readonly interrupted: boolean;
}

/** Ranges in this thread, one at a time. */
export function ownRunner(pool: Pool, tree: TreeUnderCheck): RangeRunner {
  return {
    atOnce: 1,
    check: (range, sizes) => inSnapshot(pool, (client) => checkLeaves(client, tree, range, sizes)),
  };
}

/** The place before leaf `from`, on the word of the stored tiles. @throws {Fault} tree/tile-missing */
async function believedPlace(pool: Pool, shard: number, from: bigint): Promise<Place> {
  const next = (from / BigInt(TILE_WIDTH)) * BigInt(TILE_WIDTH);
  if (next === 0n) return BEGINNING;
  const nodes = rootNodes(next);
  const read = await new TileRows(pool, shard).reader(nodes);
  return { next, frontier: nodes.map(({ level, index }) => read(level, index)), lastStampMs: undefined };
}

async function storedHead(pool: Pool, shard: number): Promise<TreeHead | undefined> {
  const { rows } = await pool.query<{ size: string; root: Buffer }>(
    'SELECT size, root FROM log_head WHERE shard = $1',
    [shard],
  );
  const [row] = rows;
  return row === undefined ? undefined : { size: BigInt(row.size), root: row.root };
}

/** @throws {Fault} tree/tile-missing with `from`; what the database says no to */
export async function checkWholeTree(parts: WholeTreeParts): Promise<TreeReport> {
  const { pool, tree } = parts;
  const findings = new Findings();
  if (parts.state !== undefined) findings.take(parts.state.found);
  const claims = await parts.claims();
  const head = await storedHead(pool, tree.shard);
  let from = parts.state?.from ?? 0n;
  const nothing = { tree: tree.name, from, checkpoint: undefined, checkpoints: 0 };
  if (head === undefined) {
    findings.add({ what: 'head/missing', at: {}, expected: 'a row', found: 'no row' });
    return { ...nothing, to: 0n, head, found: findings.found, interrupted: false };
  }
  let place = parts.state?.place;
  if (place === undefined && parts.from !== undefined && parts.from < head.size) {
    place = await believedPlace(pool, tree.shard, parts.from);
    from = place.next;
  }
  // A database that was taken back since the check was interrupted: what was derived does not belong to it.
  if (place !== undefined && place.next > head.size) {
    findings.add({
      what: 'claim/extra',
      at: { size: place.next.toString(), by: 'the interrupted check' },
      expected: `nothing beyond ${head.size}`,
      found: `a check that has verified ${place.next} leaves`,
    });
    return { ...nothing, from, to: 0n, head, found: findings.found, interrupted: false };
  }
  const derivation = new Derivation(place);
  let keysMissing = parts.state?.keysMissing ?? 0;
  let checkpoints = parts.state?.checkpoints ?? 0;
  let checkpoint = parts.state?.checkpoint;
  let root: Uint8Array | undefined;
  for (const claim of claims) checkClaim(tree, claim, head, findings);
  let to = derivation.place.next;
  for await (const one of rangesInOrder(parts, to, head.size, claims)) {
    root = await inSnapshot(pool, (client) => derivation.take(client, tree, one, claims, findings));
    to = one.range.end;
    keysMissing += one.keysMissing;
    checkpoints += one.heads.length;
    checkpoint = one.heads.at(-1) ?? checkpoint;
    const state = { place: derivation.place, found: findings.found, keysMissing, checkpoints, checkpoint, from };
    // The last range may end within a tile: it would be read again, and so nothing of it is kept.
    if (to < head.size) await parts.reached?.(state, head.size);
  }
  const interrupted = root === undefined || to < head.size;
  if (!interrupted) {
    if (root !== undefined && !equalOctets(root, head.root)) {
      findings.add({
        what: 'head/root',
        at: { size: head.size.toString(), column: 'root' },
        expected: hex(root),
        found: hex(head.root),
      });
    }
    await checkRest(pool, tree, { keysMissing, covered: head.size }, findings);
  }
  return { tree: tree.name, from, to, head, checkpoint, checkpoints, found: findings.found, interrupted };
}

function checkClaim(
  { rules }: TreeUnderCheck,
  { size, root, by, note }: Claim,
  head: TreeHead,
  findings: Findings,
): void {
  const at = { size: size.toString(), by };
  if (size > head.size) {
    const expected = `a tree of ${head.size} at most, as the database has it`;
    findings.add({ what: 'claim/extra', at, expected, found: hex(root) });
  }
  if (note === undefined) return;
  try {
    rules.verifyCheckpoint(note, { size, root });
  } catch (error) {
    findings.add({
      what: 'claim/signature',
      at,
      expected: `a checkpoint signed by this log of the root ${hex(root)}`,
      found: error instanceof Error ? error.message : String(error),
    });
  }
}

/** Ranges from `start` to `end`, some ahead of the one that is being taken in. */
async function* rangesInOrder(
  { runner, signal, rangeLeaves = RANGE_LEAVES }: WholeTreeParts,
  start: bigint,
  end: bigint,
  claims: readonly Claim[],
): AsyncGenerator<LeavesChecked, void, undefined> {
  const ahead: Promise<LeavesChecked>[] = [];
  let next = start;
  let more = true;
  for (;;) {
    while (more && ahead.length <= runner.atOnce && signal?.aborted !== true) {
      const to = next + rangeLeaves < end ? next + rangeLeaves : end;
      const range = { start: next, end: to };
      const sizes = claims.map(({ size }) => size).filter((size) => size > range.start && size <= range.end);
      const promise = runner.check(range, sizes);
      // It may fail while an earlier one is being taken in; whoever waits for it is told.
      promise.catch(() => undefined);
      ahead.push(promise);
      next = to;
      more = to < end;
    }
    const first = ahead.shift();
    if (first === undefined || signal?.aborted === true) return;
    yield await first;
  }
}
