/**
 * One search over both faces of the log.
 *
 * An answer without its range proves nothing: each says, for every tree it looked at, how many leaves that tree had and
 * the signed checkpoint over them. Search keys are written in the same transaction as their leaf, so a range is covered
 * whole. Later pages stay within the range of the first one, whatever has been logged since.
 *
 *   1. range   the checkpoint of each tree, or the sizes that the cursor brings back
 *   2. window  the leaves that were stamped in the time asked for: stamps never go back, so it is one range
 *   3. find    leaves that stand under every key, in order, with a bound on how many are looked at
 *   4. hold    each against what was asked, because an index is a finding aid and the leaf is the truth
 */
import { readLeaf, type LeafFacts } from '#core/entry';
import type { Boundary, BoundaryStore } from '#audit';
import { isFault } from '#core/fault';
import type { AttachmentFacts, PickedLeaf, SignedHead, Tree } from '#tree';
import { type Coverage, coverageOf } from './coverage.js';
import { type Criteria, indexKeys, meets, questionId } from './criteria.js';
import { type Cursor, formatCursor, readCursor, strangeCursor } from './cursor.js';
import type { SearchedTree } from './faces.js';
import type { FewAtOnce } from './few-at-once.js';

/** How many leaves one request looks at before it answers with what it has. */
const EFFORT = 5000;
/** How many are read and taken apart in one go: whoever signs meanwhile waits for no more than these. */
const AT_ONCE = 64;
const HOUR_MS = 3_600_000;

export interface Question {
  readonly criteria: Criteria;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** What is said of one tree. */
export interface SearchedRange {
  readonly of: SearchedTree;
  readonly size: bigint;
  /** Over exactly `size` leaves; none while the tree has no leaf. */
  readonly checkpoint: string | undefined;
  /** The leaves in the time asked for, from `first` up to but not including `end`. */
  readonly window: { readonly first: bigint; readonly end: bigint };
  /** Timestamped checkpoints around that time, where there are any. */
  readonly before: Boundary | undefined;
  readonly after: Boundary | undefined;
  readonly coverage: Coverage | undefined;
}

export interface Hit {
  readonly of: SearchedTree;
  readonly size: bigint;
  readonly leaf: PickedLeaf;
  readonly facts: LeafFacts;
  readonly statement: AttachmentFacts | undefined;
}

export interface Found {
  readonly ranges: readonly SearchedRange[];
  readonly hits: readonly Hit[];
  /** Where to go on; there is nothing more without it. */
  readonly next: string | undefined;
}

export class SearchLogs {
  readonly #trees: readonly SearchedTree[];
  readonly #boundaries: Pick<BoundaryStore, 'boundaries'>;
  readonly #turns: FewAtOnce;

  constructor(
    trees: readonly SearchedTree[],
    boundaries: Pick<BoundaryStore, 'boundaries'>,
    turns: FewAtOnce,
  ) {
    this.#trees = trees;
    this.#boundaries = boundaries;
    this.#turns = turns;
  }

  /** @throws {Fault} search/cursor, search/busy */
  search(question: Question): Promise<Found> {
    return this.#turns.run(() => this.#search(question));
  }

  async #search({ criteria, limit, cursor: text }: Question): Promise<Found> {
    const question = questionId(criteria);
    const cursor = text === undefined ? undefined : readCursor(text, question);
    const { face, tree: name } = criteria;
    const asked = this.#trees.filter(
      (one) => (face === undefined || one.face === face) && (name === undefined || one.tree.name === name),
    );
    const ranges = await Promise.all(asked.map((one) => this.#range(one, criteria, cursor)));
    const sizes = new Map(ranges.map(({ of, size }) => [of.tree.name, size]));
    const keys = indexKeys(criteria);
    const hits: Hit[] = [];
    let effort = EFFORT;

    const begin = cursor === undefined ? 0 : ranges.findIndex(({ of }) => of.tree.name === cursor.tree);
    if (begin < 0) throw strangeCursor();
    for (const range of ranges.slice(begin)) {
      const { tree } = range.of;
      let at = cursor?.tree === tree.name ? cursor.index : range.window.first;
      for (;;) {
        if (hits.length >= limit || effort <= 0) {
          const next = formatCursor({ question, sizes, tree: tree.name, index: at });
          return { ranges, hits, next };
        }
        const bounds = { limit: limit - hits.length, effort };
        const page = await tree.index.page(keys, at, range.window.end, bounds);
        effort -= Math.max(page.looked, 1);
        for (let from = 0; from < page.indexes.length; from += AT_ONCE)
          hits.push(...(await read(range, page.indexes.slice(from, from + AT_ONCE), criteria)));
        if (page.next === undefined) break;
        at = page.next;
      }
    }
    return { ranges, hits, next: undefined };
  }

  async #range(
    of: SearchedTree,
    { fromMs, toMs, subject, predicate }: Criteria,
    cursor: Cursor | undefined,
  ): Promise<SearchedRange> {
    const { tree } = of;
    const { size, note } = await snapshot(tree, cursor);
    const [first, end, before, after, coverage] = await Promise.all([
      fromMs === undefined ? 0n : tree.index.firstStampedAt(BigInt(fromMs), size),
      toMs === undefined ? size : tree.index.firstStampedAt(BigInt(toMs), size),
      fromMs === undefined ? undefined : this.#boundary(tree, Math.floor(fromMs / HOUR_MS) * HOUR_MS),
      toMs === undefined ? undefined : this.#boundary(tree, Math.ceil(toMs / HOUR_MS) * HOUR_MS),
      subject === undefined && predicate === undefined ? undefined : coverageOf(tree, size),
    ]);
    return { of, size, checkpoint: note, window: { first, end }, before, after, coverage };
  }

  async #boundary({ name }: Tree, dueMs: number): Promise<Boundary | undefined> {
    const [boundary] = await this.#boundaries.boundaries({
      tree: name,
      fromMs: dueMs,
      toMs: dueMs + 1,
      limit: 1,
    });
    return boundary;
  }
}

async function snapshot(
  tree: Tree,
  cursor: Cursor | undefined,
): Promise<{ readonly size: bigint; readonly note: string | undefined }> {
  const head = headOf(tree);
  if (cursor === undefined) return { size: head?.size ?? 0n, note: head?.note };
  const size = cursor.sizes.get(tree.name);
  if (size === undefined) throw strangeCursor();
  if (size === 0n) return { size, note: undefined };
  const note = await tree.index.checkpointAt(size);
  if (note === undefined || size > tree.size) throw strangeCursor();
  return { size, note };
}

/** Undefined while the tree has no checkpoint. */
export function headOf(tree: Tree): SignedHead | undefined {
  try {
    return tree.head();
  } catch (error) {
    if (isFault(error) && error.kind === 'absent') return undefined;
    throw error;
  }
}

async function read(
  { of, size }: SearchedRange,
  indexes: readonly bigint[],
  criteria: Criteria,
): Promise<Hit[]> {
  const { index, attachments } = of.tree;
  const [leaves, statements] = await Promise.all([index.pick(indexes), attachments.describe(indexes)]);
  return leaves.flatMap((leaf) => {
    const facts = readLeaf(leaf.body);
    if (!meets(facts, criteria)) return [];
    return [{ of, size, leaf, facts, statement: statements.get(leaf.index) }];
  });
}
