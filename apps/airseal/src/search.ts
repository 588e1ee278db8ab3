/**
 * Asks both faces of the log, page after page, and verifies the range that the answer claims to cover.
 *
 * The checkpoints are verified with the trusted root. That the hits are all there are is the appliance's word, until
 * somebody derives the index again from the tree (`airseal log reindex --check`).
 */
import { z } from 'zod';
import { Fault } from '#core/fault';
import { askDoor } from './ask-door.js';
import { logOrigin, readTrustedRoot, verifiedHead } from './log-origin.js';
import { Digits, readAnswer } from './read-answer.js';
import type { Flags } from './verb.js';

const Bound = z.object({ due: z.string(), size: Digits });

const SearchedTree = z.object({
  face: z.string(),
  tree: z.string(),
  logId: z.string(),
  url: z.string(),
  size: Digits,
  checkpoint: z.string().optional(),
  window: z.object({ first: Digits, end: Digits }),
  timeSource: z.string(),
  boundaryBefore: Bound.optional(),
  boundaryAfter: Bound.optional(),
  coverage: z
    .object({ entries: Digits, envelopes: Digits, held: Digits, missing: Digits, unknown: Digits })
    .optional(),
});
export type SearchedTree = z.infer<typeof SearchedTree>;

const Hit = z.object({
  face: z.string(),
  tree: z.string(),
  index: Digits,
  logIndex: Digits,
  uuid: z.string(),
  entryId: z.string().optional(),
  kind: z.string(),
  time: z.string(),
  timeSource: z.string(),
  digests: z.array(z.string()),
  signers: z.array(
    z.object({
      identities: z.array(z.string()),
      issuer: z.string().optional(),
      key: z.string(),
      certificate: z.object({ serial: z.string(), notBefore: z.string(), notAfter: z.string() }).optional(),
    }),
  ),
  envelope: z.string(),
  statement: z
    .object({ sha256: z.string(), octets: z.number(), deposited: z.string().optional() })
    .optional(),
  links: z.object({ entry: z.string(), statement: z.string().optional() }),
});
export type Hit = z.infer<typeof Hit>;

const Page = z.object({
  trees: z.array(SearchedTree),
  hits: z.array(Hit),
  next: z.string().optional(),
});
type Page = z.infer<typeof Page>;

export interface Answer {
  readonly trees: readonly SearchedTree[];
  readonly hits: readonly Hit[];
  /** Whether there is more than was asked for. */
  readonly more: boolean;
}

/**
 * Hits up to `limit`, or all.
 *
 * @throws {Fault} cli/strange-answer, cli/no-range, cli/other-range, note/…; what the appliance says
 */
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
    const url = `${logOrigin(root)}/airseal/v1/search`;
    const { octets } = await askDoor(flags, `${url}?${question.toString()}`);
    const page = readAnswer(Page, url, octets);
    if (page.trees.length === 0) throw noRange();
    first ??= page;
    assertSameRange(first, page);
    hits.push(...page.hits);
    if (page.next === undefined || (limit !== undefined && hits.length >= limit)) {
      for (const { tree, size, checkpoint } of first.trees) {
        if (checkpoint === undefined && size === '0') continue;
        if (verifiedHead(root, tree, checkpoint ?? '').size.toString() !== size) throw otherRange(tree);
      }
      return { trees: first.trees, hits, more: page.next !== undefined };
    }
    question.set('cursor', page.next);
  }
}

/** "Nothing found" in no tree at all would say nothing. */
function noRange(): Fault {
  return new Fault(
    'absent',
    'cli/no-range',
    'the answer covers no tree of any log; is --tree one of them, of the face that --face names?',
  );
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
