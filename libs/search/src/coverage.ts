/**
 * How much of a tree an answer by subject can know.
 *
 * Who is named in a statement stands in the statement, not in the entry. So an answer by subject covers the statements
 * that are held, and says how many entries there are besides: envelopes that nobody has handed in, and entries that may
 * be envelopes or not. A v2 log takes nothing but digests; only a deposit tells.
 */
import { ENVELOPE_FACET, HELD_FACET } from '#core/entry';
import type { Tree } from '#tree';

export interface Coverage {
  /** Leaves in the range. */
  readonly entries: bigint;
  /** Leaves that are known to be made of an envelope. */
  readonly envelopes: bigint;
  /** Leaves whose envelope is kept. */
  readonly held: bigint;
  /** Envelopes that are not kept: too large, or from before there was a store. */
  readonly missing: bigint;
  /** Leaves of which nobody can say whether they are made of an envelope. */
  readonly unknown: bigint;
}

/** Counts over the first `size` leaves. */
export async function coverageOf({ index }: Tree, size: bigint): Promise<Coverage> {
  // In this order: a statement that comes in between is one envelope more that is not held yet, never one held too many.
  const held = await index.count(HELD_FACET, size);
  const envelopes = await index.count(ENVELOPE_FACET, size);
  return { entries: size, envelopes, held, missing: envelopes - held, unknown: size - envelopes };
}
