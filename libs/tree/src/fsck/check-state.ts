/** A check that was interrupted, as text: all numbers of leaves in decimal, all hashes in hexadecimal. */
import { z } from 'zod';
import { Fault } from '#core/fault';
import { fromHex, toHex } from '#core/octets';
import type { CheckState } from './check-whole-tree.js';
import type { Finding } from './finding.js';

const Size = z.string().regex(/^(?:0|[1-9]\d{0,18})$/);

const Hash = z.string().regex(/^[0-9a-f]{64}$/);

const State = z.strictObject({
  next: Size,
  frontier: z.array(Hash),
  lastStampMs: z
    .string()
    .regex(/^-?\d{1,19}$/)
    .optional(),
  found: z.strictObject({
    kept: z.array(
      z.custom<Finding>((value) => typeof value === 'object' && value !== null && 'what' in value),
    ),
    counts: z.record(z.string(), z.int().min(0)),
  }),
  keysMissing: z.int().min(0),
  checkpoints: z.int().min(0),
  checkpoint: z.strictObject({ size: Size, root: Hash, signedMs: z.string() }).optional(),
  from: Size,
});

export function formatState({
  place,
  found,
  keysMissing,
  checkpoints,
  checkpoint,
  from,
}: CheckState): object {
  return {
    next: place.next.toString(),
    frontier: place.frontier.map(toHex),
    ...(place.lastStampMs === undefined ? {} : { lastStampMs: place.lastStampMs.toString() }),
    found,
    keysMissing,
    checkpoints,
    ...(checkpoint === undefined
      ? {}
      : {
          checkpoint: {
            size: checkpoint.size.toString(),
            root: toHex(checkpoint.root),
            signedMs: checkpoint.signedMs,
          },
        }),
    from: from.toString(),
  };
}

/** @throws {Fault} tree/check-state */
export function parseState(value: unknown): CheckState {
  const read = State.safeParse(value);
  if (!read.success) {
    throw new Fault(
      'malformed',
      'tree/check-state',
      `the place of the interrupted check does not read back; begin anew, without --resume: ${z.prettifyError(read.error)}`,
    );
  }
  const { next, frontier, lastStampMs, found, keysMissing, checkpoints, checkpoint, from } = read.data;
  return {
    place: {
      next: BigInt(next),
      frontier: frontier.map(fromHex),
      lastStampMs: lastStampMs === undefined ? undefined : BigInt(lastStampMs),
    },
    found,
    keysMissing,
    checkpoints,
    checkpoint:
      checkpoint === undefined
        ? undefined
        : { ...checkpoint, size: BigInt(checkpoint.size), root: fromHex(checkpoint.root) },
    from: BigInt(from),
  };
}
