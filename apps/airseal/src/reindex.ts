/**
 * The search index of one tree against the tree itself: what one run does, and where it can be taken up again.
 *
 *   1. head     the newest checkpoint, its signature verified, or the one that an interrupted run was going to
 *   2. compare  every key of every leaf under it; with an owner, what differs is mended on the way
 *   3. again    what was mended is compared once more from the beginning, because that it is equal now is a claim like
 *               any other
 */
import type { Pool } from 'pg';
import { Fault } from '#core/fault';
import type { TreeHead } from '#core/merkle';
import { equalOctets } from '#core/octets';
import { compareIndex, isEqual, type IndexPlace, type MendIndex } from '#search';
import type { KeptTree } from './fsck/kept-trees.js';

export interface ComparedTree {
  readonly tree: string;
  /** Absent while the tree has no checkpoint. */
  readonly head: TreeHead | undefined;
  readonly note: string;
  readonly place: IndexPlace | undefined;
  readonly mended: number;
  readonly equal: boolean;
  readonly interrupted: boolean;
}

interface Parts {
  readonly pool: Pool;
  readonly mend: MendIndex | undefined;
  /** Of the run that was interrupted. */
  readonly from: { readonly head: TreeHead; readonly place: IndexPlace } | undefined;
  readonly reached: (head: TreeHead, place: IndexPlace) => void;
  readonly signal: AbortSignal;
  readonly range?: bigint;
}

async function checkpointOf(
  pool: Pool,
  { known, under }: KeptTree,
  at: bigint | undefined,
): Promise<{ readonly head: TreeHead; readonly note: string } | undefined> {
  const { rows } = await pool.query<{ size: string; root: Buffer; note: string }>(
    `SELECT size, root, note FROM log_checkpoint WHERE shard = $1 AND ($2::bigint IS NULL OR size = $2)
      ORDER BY size DESC, signed_ms DESC LIMIT 1`,
    [under.shard, at?.toString() ?? null],
  );
  const [row] = rows;
  if (row === undefined) return undefined;
  const head = { size: BigInt(row.size), root: row.root };
  known.rules.verifyCheckpoint(row.note, head);
  return { head, note: row.note };
}

/** @throws {Fault} search/other-tree, cli/reindex-place; what the checkpoint is refused for */
export async function compareTree(tree: KeptTree, parts: Parts): Promise<ComparedTree> {
  const { pool, mend, from, reached, signal, range } = parts;
  const { name } = tree.known;
  const { shard } = tree.under;
  const checkpoint = await checkpointOf(pool, tree, from?.head.size);
  if (checkpoint === undefined) {
    const nothing = { mended: 0, equal: true, interrupted: false };
    return { tree: name, head: undefined, note: '', place: undefined, ...nothing };
  }
  const { head, note } = checkpoint;
  if (from !== undefined && !equalOctets(from.head.root, head.root)) {
    throw new Fault(
      'conflict',
      'cli/reindex-place',
      'the interrupted run was over another tree; begin anew, without --resume',
    );
  }
  const comparison = {
    pool,
    shard,
    head,
    signal,
    ...(range === undefined ? {} : { range }),
    reached: (place: IndexPlace) => reached(head, place),
  };
  const repair =
    mend === undefined
      ? undefined
      : (differences: Parameters<MendIndex['mend']>[1]) => mend.mend({ name, shard }, differences);
  const first = await compareIndex({ ...comparison, from: from?.place, repair });
  const { mended } = first.counts;
  const interrupted = first.next < head.size;
  if (mended === 0 || interrupted) {
    return { tree: name, head, note, place: first, mended, equal: isEqual(first), interrupted };
  }
  const again = await compareIndex({ ...comparison, reached: () => undefined });
  const undone = again.next < head.size;
  return { tree: name, head, note, place: again, mended, equal: isEqual(again), interrupted: undone };
}
