/**
 * Asks both faces of the log, page after page, and verifies the range that the answer claims to cover.
 *
 * The checkpoints are verified with the trusted root. That the hits are all there are is the appliance's word, until
 * somebody derives the index again from the tree (`airseal log reindex --check`).
 */
import { Fault } from '#core/fault';
import { askDoor } from './ask-door.js';
import { logOrigin, readTrustedRoot, verifiedHead } from './log-origin.js';
import type { Flags } from './verb.js';

export interface Coverage {
  readonly entries: string;
  readonly envelopes: string;
  readonly held: string;
  readonly missing: string;
  readonly unknown: string;
}

interface Bound {
  readonly due: string;
  readonly size: string;
}

export interface SearchedTree {
  readonly face: string;
  readonly tree: string;
  readonly logId: string;
  readonly url: string;
  readonly size: string;
  readonly checkpoint?: string;
  readonly window: { readonly first: string; readonly end: string };
  readonly timeSource: string;
  readonly boundaryBefore?: Bound;
  readonly boundaryAfter?: Bound;
  readonly coverage?: Coverage;
}

export interface Hit {
  readonly face: string;
  readonly tree: string;
  readonly index: string;
  readonly logIndex: string;
  readonly uuid: string;
  readonly entryId?: string;
  readonly kind: string;
  readonly time: string;
  readonly timeSource: string;
  readonly digests: readonly string[];
  readonly signers: readonly {
    readonly identities: readonly string[];
    readonly issuer?: string;
    readonly key: string;
    readonly certificate?: { readonly serial: string; readonly notBefore: string; readonly notAfter: string };
  }[];
  readonly envelope: string;
  readonly statement?: { readonly sha256: string; readonly octets: number; readonly deposited?: string };
  readonly links: { readonly entry: string; readonly statement?: string };
}

interface Page {
  readonly trees: readonly SearchedTree[];
  readonly hits: readonly Hit[];
  readonly next?: string;
}

export interface Answer {
  readonly trees: readonly SearchedTree[];
  readonly hits: readonly Hit[];
  /** Whether there is more than was asked for. */
  readonly more: boolean;
}

/** Hits up to `limit`, or all. @throws {Fault} cli/other-range, note/…; what the appliance says */
export async function searchLogs(
  flags: Flags,
  asked: URLSearchParams,
  limit: number | undefined,
): Promise<Answer> {
  const root = readTrustedRoot(flags);
  const hits: Hit[] = [];
  const question = new URLSearchParams(asked);
  let first: Page | undefined;
  for (;;) {
    const left = limit === undefined ? 1000 : limit - hits.length;
    question.set('limit', String(Math.min(1000, left)));
    const { octets } = await askDoor(flags, `${logOrigin(root)}/airseal/v1/search?${question.toString()}`);
    const page = JSON.parse(Buffer.from(octets).toString('utf8')) as Page;
    first ??= page;
    assertSameRange(first, page);
    hits.push(...page.hits);
    const more = page.next !== undefined;
    if (!more || (limit !== undefined && hits.length >= limit)) {
      for (const { tree, size, checkpoint } of first.trees) {
        if (checkpoint === undefined && size === '0') continue;
        if (verifiedHead(root, tree, checkpoint ?? '').size.toString() !== size) throw otherRange(tree);
      }
      return { trees: first.trees, hits, more };
    }
    question.set('cursor', page.next);
  }
}

function otherRange(tree: string): Fault {
  return new Fault(
    'unverified',
    'cli/other-range',
    `the answer states another range of ${tree} than its checkpoint signs`,
  );
}

function assertSameRange(first: Page, page: Page): void {
  for (const [at, { tree, size }] of first.trees.entries()) {
    if (page.trees[at]?.tree !== tree || page.trees[at]?.size !== size) throw otherRange(tree);
  }
}
