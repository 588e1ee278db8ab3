/** How statements are named, handed in and told of. */
import { z } from 'zod';
import { Fault } from '#core/fault';
import { toHex } from '#core/octets';
import type { Deposited, ListedStatement, SearchedTree, WantedEntry } from '#search';

/** RFC 6838 has no registration; this is what DSSE's own documents use. */
export const ENVELOPE_TYPE = 'application/vnd.dsse.envelope.v1+json';

const Pick = z.strictObject({
  tree: z
    .string()
    .regex(/^[a-z0-9-]+(\/[a-z0-9-]+)*$/)
    .optional(),
  index: z
    .string()
    .regex(/^(?:0|[1-9]\d{0,18})$/)
    .optional(),
});

/** @throws {Fault} statement/name */
export function readStatementName(text: string): string {
  const lower = text.toLowerCase();
  if (/^[0-9a-f]{64}$/.test(lower)) return lower;
  throw new Fault(
    'malformed',
    'statement/name',
    'a statement is named by the SHA-256 of its pre-authentication encoding, 64 hexadecimal digits',
  );
}

/** A body of JSON, whatever its flavour. @throws {Fault} statement/content-type */
export function assertJsonType(contentType: string | undefined): void {
  const type = contentType?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (/^application\/([a-z0-9.+-]+\+)?json$/.test(type)) return;
  throw new Fault(
    'malformed',
    'statement/content-type',
    `send the envelope as ${ENVELOPE_TYPE} or application/json, or the bundle that holds it`,
  );
}

/** Whose envelope is asked for. @throws {Fault} statement/malformed */
export function readWanted(query: unknown): WantedEntry {
  const read = Pick.safeParse(query);
  if (!read.success) throw new Fault('malformed', 'statement/malformed', z.prettifyError(read.error));
  const { tree, index } = read.data;
  return { tree, index: index === undefined ? undefined : BigInt(index) };
}

export function notHeld(): Fault {
  return new Fault(
    'absent',
    'statement/not-held',
    'no statement is held under this name; deposit it with PUT, or `airseal statement put`',
  );
}

function entryOf(of: SearchedTree, index: bigint): object {
  return {
    face: of.face,
    tree: of.tree.name,
    index: index.toString(),
    logIndex: of.logIndex(index).toString(),
  };
}

export function formatDeposited({ pae, entries }: Deposited): object {
  return {
    statement: pae,
    entries: entries.map(({ of, index }) => entryOf(of, index)),
    href: `/airseal/v1/statements/${pae}`,
  };
}

export function formatListed(pae: string, listed: readonly ListedStatement[]): object {
  return {
    statement: pae,
    envelopes: listed.map(({ of, listed: { index, length, sha256, depositedMs } }) => ({
      ...entryOf(of, index),
      octets: length,
      sha256: toHex(sha256),
      ...(depositedMs === undefined ? {} : { deposited: new Date(depositedMs).toISOString() }),
      href: `/airseal/v1/statements/${pae}?tree=${of.tree.name}&index=${index}`,
    })),
  };
}
