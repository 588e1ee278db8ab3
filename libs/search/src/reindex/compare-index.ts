/**
 * The index of one tree, derived again from its leaves up to a checkpoint.
 *
 * The leaves are those of the tree only if they lead to the root that the checkpoint signs, so they are hashed again as
 * they are read. It goes range by range; after each, what was found and where it stands can be written down and taken
 * up again.
 *
 * With `repair`, what differs is mended as it is found: a key that is missing is written, one that follows from nothing
 * is removed. Keys of an envelope that is not held stay: nobody can say whether they are right. A statement that is not
 * the logged one stays too, for people to look at.
 */
import type { Pool } from 'pg';
import { Fault } from '#core/fault';
import { Edge, type TreeHead } from '#core/merkle';
import { equalOctets } from '#core/octets';
import { inSnapshot } from '#tree';
import { compareRange, type DifferenceKind, type IndexDifference } from './compare-range.js';

/** Differences that are named; more are counted. */
const NAMED = 1000;
/** Each range reads the whole index once, and what lies in it in order. */
const RANGE = 1n << 18n;
const MENDED_AT_ONCE = 10_000;

export interface IndexCounts {
  readonly leaves: number;
  readonly statements: number;
  readonly rows: number;
  readonly differences: Readonly<Record<DifferenceKind, number>>;
  readonly mended: number;
}

/** Where a comparison stands between two ranges. */
export interface IndexPlace {
  readonly next: bigint;
  readonly frontier: readonly Uint8Array[];
  readonly counts: IndexCounts;
  readonly named: readonly IndexDifference[];
}

export interface Comparison {
  readonly pool: Pool;
  readonly shard: number;
  /** Up to here, and to this root. */
  readonly head: TreeHead;
  readonly from?: IndexPlace | undefined;
  /** Mends differences; resolves once durable. */
  readonly repair?: ((differences: readonly IndexDifference[]) => Promise<number>) | undefined;
  readonly range?: bigint;
  /** Told after each range. */
  readonly reached?: (place: IndexPlace) => void;
  readonly signal?: AbortSignal;
}

const NOTHING: IndexCounts = {
  leaves: 0,
  statements: 0,
  rows: 0,
  differences: { missing: 0, extra: 0, unproven: 0, statement: 0 },
  mended: 0,
};

export const BEGINNING: IndexPlace = { next: 0n, frontier: [], counts: NOTHING, named: [] };

class Found {
  readonly differences: Record<DifferenceKind, number>;
  readonly named: IndexDifference[];
  readonly toMend: IndexDifference[] = [];

  constructor({ counts, named }: IndexPlace) {
    this.differences = { ...counts.differences };
    this.named = [...named];
  }

  add(difference: IndexDifference): void {
    this.differences[difference.what] += 1;
    if (this.named.length < NAMED) this.named.push(difference);
    if (difference.what === 'missing' || difference.what === 'extra') this.toMend.push(difference);
  }
}

/**
 * Compares; answers where it ended, which is before the head if `signal` was aborted.
 *
 * @throws {Fault} search/other-tree if the leaves are not those under the head
 */
export async function compareIndex(comparison: Comparison): Promise<IndexPlace> {
  const { pool, shard, head, repair, range = RANGE, reached, signal } = comparison;
  let place = comparison.from ?? BEGINNING;
  while (place.next < head.size && signal?.aborted !== true) {
    const start = place.next;
    const end = start + range < head.size ? start + range : head.size;
    const edge = new Edge(start, place.frontier);
    const found = new Found(place);
    const { statements, rows } = await inSnapshot(pool, (client) =>
      compareRange(client, shard, { start, end, edge }, (difference) => found.add(difference)),
    );
    if (edge.size !== end) throw otherTree(`${end - edge.size} leaves before ${end} are missing`);
    let mended = 0;
    if (repair !== undefined) {
      for (let at = 0; at < found.toMend.length; at += MENDED_AT_ONCE)
        mended += await repair(found.toMend.slice(at, at + MENDED_AT_ONCE));
    }
    const { counts } = place;
    place = {
      next: end,
      frontier: [...edge.hashes],
      named: found.named,
      counts: {
        leaves: counts.leaves + Number(end - start),
        statements: counts.statements + statements,
        rows: counts.rows + rows,
        differences: found.differences,
        mended: counts.mended + mended,
      },
    };
    reached?.(place);
  }
  if (place.next === head.size) assertRoot(place, head);
  return place;
}

function assertRoot({ next, frontier }: IndexPlace, head: TreeHead): void {
  if (equalOctets(new Edge(next, frontier).root(), head.root)) return;
  throw otherTree('they lead to another root than the checkpoint signs');
}

function otherTree(why: string): Fault {
  return new Fault(
    'corrupt',
    'search/other-tree',
    `the leaves are not those of this tree: ${why}. Run \`airseal log fsck\``,
  );
}

/** Whether nothing differs that can be told. */
export function isEqual({ counts: { differences } }: IndexPlace): boolean {
  return differences.missing === 0 && differences.extra === 0 && differences.statement === 0;
}
