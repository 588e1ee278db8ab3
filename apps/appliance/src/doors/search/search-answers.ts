/** What may be asked of both faces of the log, and how the answer is spelt in JSON. */
import { z } from 'zod';
import { type Boundary, instant } from '#audit';
import { keyFingerprint, type LeafSigner } from '#core/entry';
import { Fault } from '#core/fault';
import { toHex } from '#core/octets';
import { type Criteria, type Found, type Hit, readDigest, readKey, type SearchedRange } from '#search';

const MOST = 1000;
const USUAL = 100;
/** What the index files, and Rekor's own limit on a name. */
const MAX_NAME = 512;

const Name = z.string().min(1).max(MAX_NAME);
const Query = z.strictObject({
  digest: Name.optional(),
  identity: Name.optional(),
  issuer: Name.optional(),
  key: z.string().min(1).max(16_384).optional(),
  subject: Name.optional(),
  predicate: Name.optional(),
  from: z.iso.datetime().optional(),
  to: z.iso.datetime().optional(),
  face: z.enum(['v1', 'v2']).optional(),
  tree: z
    .string()
    .regex(/^[a-z0-9-]+(\/[a-z0-9-]+)*$/)
    .optional(),
  limit: z.coerce.number().int().min(1).max(MOST).default(USUAL),
  cursor: z.string().max(4096).optional(),
});

export interface SearchRequest {
  readonly criteria: Criteria;
  readonly limit: number;
  readonly cursor: string | undefined;
}

/** @throws {Fault} search/malformed */
export function readSearchQuery(query: unknown): SearchRequest {
  const read = Query.safeParse(query);
  if (!read.success) throw new Fault('malformed', 'search/malformed', z.prettifyError(read.error));
  const { digest, key, subject, from, to, limit, cursor, ...rest } = read.data;
  return {
    criteria: {
      ...rest,
      digest: digest === undefined ? undefined : readDigest(digest, 'digest'),
      subject: subject === undefined ? undefined : readDigest(subject, 'subject'),
      key: key === undefined ? undefined : readKey(key),
      fromMs: from === undefined ? undefined : Date.parse(from),
      toMs: to === undefined ? undefined : Date.parse(to),
    },
    limit,
    cursor,
  };
}

/** By whose clock the entries of this face are stamped. */
function timeSource(face: 'v1' | 'v2'): 'integratedTime' | 'appliance' {
  return face === 'v1' ? 'integratedTime' : 'appliance';
}

function formatBound({ dueMs, size }: Boundary): object {
  return { due: instant(dueMs), size: size.toString() };
}

function formatRange({ of, size, checkpoint, window, before, after, coverage }: SearchedRange): object {
  return {
    face: of.face,
    tree: of.tree.name,
    logId: of.logId,
    url: of.url,
    size: size.toString(),
    ...(checkpoint === undefined ? {} : { checkpoint }),
    window: { first: window.first.toString(), end: window.end.toString() },
    timeSource: timeSource(of.face),
    ...(before === undefined ? {} : { boundaryBefore: formatBound(before) }),
    ...(after === undefined ? {} : { boundaryAfter: formatBound(after) }),
    ...(coverage === undefined
      ? {}
      : {
          coverage: Object.fromEntries(
            Object.entries(coverage).map(([name, count]) => [name, String(count)]),
          ),
        }),
  };
}

function formatSigner({ spki, identities, issuer, certificate }: LeafSigner): object {
  return {
    identities,
    ...(issuer === undefined ? {} : { issuer }),
    key: keyFingerprint(spki),
    ...(certificate === undefined
      ? {}
      : {
          certificate: {
            serial: certificate.serial.toString(16),
            notBefore: new Date(certificate.notBeforeMs).toISOString(),
            notAfter: new Date(certificate.notAfterMs).toISOString(),
          },
        }),
  };
}

function formatHit({ of, size, leaf, facts, statement }: Hit): object {
  const { index, leafHash, timestampMs } = leaf;
  // Seconds are all that a v1 log promises.
  const ms = of.face === 'v1' ? (timestampMs / 1000n) * 1000n : timestampMs;
  const entryId = of.entryId(leafHash);
  const name = statement === undefined ? undefined : toHex(statement.digest);
  return {
    face: of.face,
    tree: of.tree.name,
    index: index.toString(),
    logIndex: of.logIndex(index).toString(),
    uuid: toHex(leafHash),
    ...(entryId === undefined ? {} : { entryId }),
    kind: `${facts.kind}/${facts.version}`,
    time: new Date(Number(ms)).toISOString(),
    timeSource: timeSource(of.face),
    digests: facts.digests,
    signers: facts.signers.map(formatSigner),
    envelope: facts.envelope || statement !== undefined ? 'yes' : 'unknown',
    ...(statement === undefined || name === undefined
      ? {}
      : {
          statement: {
            sha256: name,
            octets: statement.length,
            ...(statement.depositedMs === undefined
              ? {}
              : { deposited: new Date(statement.depositedMs).toISOString() }),
          },
        }),
    links: {
      entry: of.link(index, leafHash, size),
      ...(name === undefined
        ? {}
        : { statement: `/airseal/v1/statements/${name}?tree=${of.tree.name}&index=${index}` }),
    },
  };
}

export function formatFound({ ranges, hits, next }: Found): object {
  return {
    trees: ranges.map(formatRange),
    hits: hits.map(formatHit),
    ...(next === undefined ? {} : { next }),
  };
}
