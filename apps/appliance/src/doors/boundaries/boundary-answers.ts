/** What may be asked about boundary checkpoints, and how they are spelt in JSON. */
import { z } from 'zod';
import { type Boundary, type BoundaryGap, type BoundaryQuery, instant } from '#audit';
import { Fault } from '#core/fault';
import { toBase64 } from '#core/octets';

const MOST = 1000;
/** The last instant that RFC 3339 can spell. */
const FOR_EVER_MS = Date.UTC(9999, 11, 31, 23);

const Query = z.strictObject({
  tree: z
    .string()
    .regex(/^[a-z0-9-]+(\/[a-z0-9-]+)*$/)
    .optional(),
  from: z.iso.datetime().optional(),
  to: z.iso.datetime().optional(),
  limit: z.coerce.number().int().min(1).max(MOST).default(MOST),
});

/** @throws {Fault} boundaries/malformed */
export function readBoundaryQuery(query: unknown): BoundaryQuery {
  const read = Query.safeParse(query);
  if (!read.success) throw new Fault('malformed', 'boundaries/malformed', z.prettifyError(read.error));
  const { tree, from, to, limit } = read.data;
  return {
    tree,
    fromMs: from === undefined ? 0 : Date.parse(from),
    toMs: to === undefined ? FOR_EVER_MS : Date.parse(to),
    limit,
  };
}

export function formatBoundary(boundary: Boundary): object {
  const { tree, origin, dueMs, kinds, madeMs, size, root, note, token, anchor } = boundary;
  return {
    tree,
    origin,
    due: instant(dueMs),
    kinds,
    made: new Date(madeMs).toISOString(),
    size: size.toString(),
    rootHash: toBase64(root),
    checkpoint: note,
    timestamp: toBase64(token),
    ...(anchor === undefined
      ? {}
      : { anchor: { logIndex: anchor.logIndex.toString(), entryId: anchor.entryId } }),
  };
}

export function formatGap({ tree, firstMs, lastMs, reason, closedByMs }: BoundaryGap): object {
  return { tree, first: instant(firstMs), last: instant(lastMs), reason, closedBy: instant(closedByMs) };
}
