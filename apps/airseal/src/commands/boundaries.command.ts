/**
 * `airseal log boundaries`: what stood in each tree when, on the word of the timestamp authority.
 *
 * Every token is verified over its checkpoint with the authorities of the trusted root, and every checkpoint of a log
 * that the trusted root names with that log's key. Heads of the audit trail and of the ledger of timestamps are signed
 * by a key that clients are not told of; their tokens are verified all the same. The library that clients of Sigstore use
 * reads the tokens: it did not write them.
 */
import { crypto, RFC3161Timestamp } from '@sigstore/core';
import type { TrustedRoot } from '@sigstore/protobuf-specs';
import { z } from 'zod';
import { parsePublicKey } from '#core/crypto';
import { Fault } from '#core/fault';
import { logVerifier, logVerifierV1, parseCheckpoint, parseNote, verifyNote } from '#core/note';
import { equalOctets, fromBase64, fromUtf8 } from '#core/octets';
import { parseCertificate } from '#core/x509';
import { print, table } from '../output.js';
import { flag, trustedRootPath } from '../places.js';
import { Digits, readAnswer } from '../read-answer.js';
import { trustedRootIn } from '../trusted-root-file.js';
import type { Flags } from '../verb.js';
import { get } from './log.command.js';

const Boundary = z.object({
  tree: z.string(),
  origin: z.string(),
  due: z.string(),
  kinds: z.array(z.string()),
  made: z.string(),
  size: Digits,
  rootHash: z.string(),
  checkpoint: z.string(),
  timestamp: z.string(),
  anchor: z.object({ logIndex: Digits, entryId: z.string() }).optional(),
});
type Boundary = z.infer<typeof Boundary>;

const Gap = z.object({
  tree: z.string(),
  first: z.string(),
  last: z.string(),
  reason: z.string(),
  closedBy: z.string(),
});

const Page = z.object({ boundaries: z.array(Boundary), gaps: z.array(Gap), more: z.boolean() });
type Page = z.infer<typeof Page>;

/** When the token says that the checkpoint existed. @throws {Fault} cli/boundary-token */
export function stampedAt(root: TrustedRoot, { timestamp, checkpoint, tree, due }: Boundary): Date {
  const otherToken = (cause?: unknown): Fault =>
    new Fault(
      'unverified',
      'cli/boundary-token',
      `no authority of the trusted root has stamped the boundary of ${tree} for ${due}`,
      { cause },
    );
  const octets = Buffer.from(fromBase64(timestamp));
  let stamp: RFC3161Timestamp;
  let atMs: number;
  try {
    stamp = RFC3161Timestamp.parse(octets);
    atMs = stamp.signingTime.getTime();
  } catch (cause) {
    throw otherToken(cause);
  }
  for (const { certChain, validFor } of root.timestampAuthorities) {
    const [leaf] = certChain?.certificates ?? [];
    if (leaf === undefined) continue;
    const { spki, notBeforeMs, notAfterMs } = parseCertificate(new Uint8Array(leaf.rawBytes));
    const from = Math.max(notBeforeMs, validFor?.start?.getTime() ?? 0);
    const until = Math.min(notAfterMs, validFor?.end?.getTime() ?? Number.POSITIVE_INFINITY);
    if (atMs < from || atMs > until) continue;
    try {
      stamp.verify(Buffer.from(checkpoint), crypto.createPublicKey(Buffer.from(spki), 'spki'));
      return new Date(atMs);
    } catch {
      // Perhaps another authority's.
    }
  }
  throw otherToken();
}

/** Trees whose heads are notes. Those of a certificate log are not: only their timestamps speak for them. */
const NOTED = /^(?:rekor-v1|rekor-v2|audit|timestamp)\//;

/**
 * Whether the trusted root's key of this log signed the checkpoint. Of every note, what stands beside it is what it says.
 *
 * @throws {Fault} note/…, cli/other-head
 */
export function checkpointVerified(
  root: TrustedRoot,
  { origin, checkpoint, size, rootHash, tree }: Boundary,
): boolean {
  if (!NOTED.test(tree)) return false;
  const note = parseNote(fromUtf8(checkpoint));
  const head = parseCheckpoint(note.text);
  if (
    head.origin !== origin ||
    head.size.toString() !== size ||
    !equalOctets(head.root, fromBase64(rootHash))
  ) {
    throw new Fault(
      'unverified',
      'cli/other-head',
      `the boundary of ${tree} names another head than its checkpoint`,
    );
  }
  const v1 = tree.startsWith('rekor-v1/');
  if (!v1 && !tree.startsWith('rekor-v2/')) return false;
  const name = v1 ? (origin.split(' - ')[0] ?? origin) : origin;
  const verifiers = root.tlogs
    .filter(({ baseUrl }) => new URL(baseUrl).hostname === name)
    .map(({ publicKey }) => parsePublicKey(new Uint8Array(publicKey?.rawBytes ?? [])))
    .map((key) => (v1 ? logVerifierV1(name, key) : logVerifier(name, key)));
  verifyNote(note, verifiers);
  return true;
}

async function everyPage(flags: Flags, base: string): Promise<Page> {
  const boundaries = new Map<string, Boundary>();
  let gaps: Page['gaps'] = [];
  const asked = new URLSearchParams();
  for (const name of ['tree', 'from', 'to'] as const) {
    const value = flag(flags, name);
    if (value !== undefined) asked.set(name, value);
  }
  for (;;) {
    const url = `${base}/airseal/v1/boundaries`;
    const page = readAnswer(Page, url, await get(flags, `${url}?${asked.toString()}`));
    if (gaps.length === 0) ({ gaps } = page);
    for (const boundary of page.boundaries) boundaries.set(`${boundary.due} ${boundary.tree}`, boundary);
    const last = page.boundaries.at(-1);
    if (!page.more || last === undefined || last.due === asked.get('from'))
      return { boundaries: [...boundaries.values()], gaps, more: false };
    // The last hour may be cut in the middle, so it is asked for again.
    asked.set('from', last.due);
  }
}

export async function listBoundaries(_operands: string[], flags: Flags): Promise<void> {
  const root = trustedRootIn(trustedRootPath(flags));
  const [log] = root.tlogs;
  if (log === undefined) throw new Fault('absent', 'cli/no-such-log', 'the trusted root names no log');
  const { boundaries, gaps } = await everyPage(flags, log.baseUrl);
  const verified = boundaries.map((boundary) => ({
    boundary,
    stamped: stampedAt(root, boundary).toISOString(),
    checkpointVerified: checkpointVerified(root, boundary),
  }));
  print(
    flags,
    {
      boundaries: verified.map(({ boundary, stamped, checkpointVerified: signed }) => ({
        ...boundary,
        anchor: boundary.anchor === undefined ? null : { ...boundary.anchor },
        stamped,
        checkpointVerified: signed,
      })),
      gaps: gaps.map((gap) => ({ ...gap })),
    },
    [
      ...table([
        ['due', 'tree', 'size', 'stamped', 'ends', 'checkpoint'],
        ...verified.map(({ boundary, stamped, checkpointVerified: signed }) => [
          boundary.due,
          boundary.tree,
          boundary.size,
          stamped,
          boundary.kinds.join(' '),
          signed ? 'verified' : 'stamped',
        ]),
      ]),
      ...gaps.map(({ tree, first, last, reason }) => `GAP ${tree}: ${first} to ${last}: ${reason}`),
      `${verified.length} boundaries, every token verified; ${gaps.length} gaps`,
    ],
  );
}
