/** A comparison that was interrupted, as text: leaves in decimal, hashes in hexadecimal. */
import { z } from 'zod';
import { Fault } from '#core/fault';
import { fromHex, toHex } from '#core/octets';
import type { IndexPlace } from './compare-index.js';

const Size = z.string().regex(/^(?:0|[1-9]\d{0,18})$/);
const Hex = z.string().regex(/^(?:[0-9a-f]{2})+$/);
const Count = z.int().min(0);

const Place = z.strictObject({
  next: Size,
  frontier: z.array(Hex),
  counts: z.strictObject({
    leaves: Count,
    statements: Count,
    rows: Count,
    differences: z.strictObject({ missing: Count, extra: Count, unproven: Count, statement: Count }),
    mended: Count,
  }),
  named: z.array(
    z.strictObject({
      what: z.enum(['missing', 'extra', 'unproven', 'statement']),
      index: Size,
      keyHash: Hex.optional(),
      key: z.string(),
    }),
  ),
});

export function formatPlace({ next, frontier, counts, named }: IndexPlace): object {
  return {
    next: next.toString(),
    frontier: frontier.map(toHex),
    counts,
    named: named.map(({ what, index, keyHash, key }) => ({
      what,
      index: index.toString(),
      ...(keyHash === undefined ? {} : { keyHash: toHex(keyHash) }),
      key,
    })),
  };
}

/** @throws {Fault} search/place */
export function parsePlace(value: unknown): IndexPlace {
  const read = Place.safeParse(value);
  if (!read.success) {
    throw new Fault(
      'malformed',
      'search/place',
      'the place of the interrupted comparison does not read back; begin anew, without --resume',
    );
  }
  const { next, frontier, counts, named } = read.data;
  return {
    next: BigInt(next),
    frontier: frontier.map(fromHex),
    counts,
    named: named.map(({ what, index, keyHash, key }) => ({
      what,
      index: BigInt(index),
      keyHash: keyHash === undefined ? undefined : fromHex(keyHash),
      key,
    })),
  };
}
