/**
 * What a replica checks before it trusts a stored tree: that the right edge leads to the stored root, that the
 * newest checkpoint is a signed commitment to this very tree, that neither this host's files nor the checkpoints know
 * of a later tree than the database (a restored backup would), and that a random sample of full tiles holds. What has
 * passed the first two is read, also if another fails.
 *
 * Every mismatch is a Fault of kind corrupt; nothing is repaired here.
 */
import { Fault } from '#core/fault';
import {
  consistencyNodes,
  consistencyProof,
  rootNodes,
  rootOf,
  verifyConsistency,
  type TreeHead,
} from '#core/merkle';
import { equalOctets } from '#core/octets';
import type { Pool } from 'pg';
import type { CheckpointFormat } from './checkpoints.js';
import type { SignedHead } from './leaf.js';
import { withConnection } from './connection.js';
import { RightEdge } from './right-edge.js';
import type { TileRows } from './tile-rows.js';

export interface Checked {
  readonly edge: RightEdge;
  /** The newest stored checkpoint. */
  readonly newest: SignedHead | undefined;
}

/** @throws {Fault} tree/rolled-back, tree/forked unless `head`, which the database has, continues `earlier` */
export async function assertContinues(
  head: TreeHead,
  rows: TileRows,
  earlier: TreeHead,
  what: string,
): Promise<void> {
  const { size } = head;
  if (earlier.size > size) {
    throw new Fault(
      'corrupt',
      'tree/rolled-back',
      `${what} knows a tree of ${earlier.size}, but the database has one of ${size}; was a backup restored? ` +
        'nothing is signed. Restore the newer database, or replay the missing leaves from published tiles',
    );
  }
  const root =
    earlier.size === size ? head.root : rootOf(earlier.size, await rows.reader(rootNodes(earlier.size)));
  if (!equalOctets(root, earlier.root)) {
    throw new Fault(
      'corrupt',
      'tree/forked',
      `${what} has another root for a tree of ${earlier.size} than the database`,
    );
  }
}

/**
 * As `assertContinues`, where rows may be remembered from before the database was taken back: proved, not looked up,
 * since hashes of two histories make no proof.
 *
 * @throws {Fault} tree/rolled-back, tree/forked
 */
export async function proveContinues(head: TreeHead, rows: TileRows, earlier: TreeHead): Promise<void> {
  if (earlier.size === 0n || earlier.size >= head.size) {
    await assertContinues(head, rows, earlier, 'the newest checkpoint');
    return;
  }
  const nodes = consistencyNodes(earlier.size, head.size);
  const proof = consistencyProof(earlier.size, head.size, await rows.reader(nodes));
  try {
    verifyConsistency(earlier, head, proof);
  } catch (cause) {
    throw new Fault(
      'corrupt',
      'tree/forked',
      `the tree of ${head.size} does not continue the published tree of ${earlier.size}; nothing is signed`,
      { cause },
    );
  }
}

export async function checkTree(
  parts: {
    readonly pool: Pool;
    readonly shard: number;
    readonly format: CheckpointFormat;
  },
  rows: TileRows,
): Promise<Checked> {
  const { pool, shard } = parts;
  const { edge, newest } = await withConnection(pool, async (client) => {
    // One snapshot: another replica may be writing at this moment.
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const heads = await client.query<{ size: string; root: Buffer }>(
      'SELECT size, root FROM log_head WHERE shard = $1',
      [shard],
    );
    const checkpoints = await client.query<{ size: string; root: Buffer; note: string; signed_ms: string }>(
      `SELECT size, root, note, signed_ms FROM log_checkpoint WHERE shard = $1
        ORDER BY size DESC, signed_ms DESC LIMIT 1`,
      [shard],
    );
    const [head] = heads.rows;
    if (head === undefined) throw new Fault('corrupt', 'tree/head-missing', `log ${shard} has no head row`);
    const [row] = checkpoints.rows;
    const value: Checked = {
      edge: await RightEdge.read(client, shard, { size: BigInt(head.size), root: head.root }),
      newest:
        row === undefined
          ? undefined
          : { size: BigInt(row.size), root: row.root, note: row.note, timestampMs: BigInt(row.signed_ms) },
    };
    await client.query('ROLLBACK');
    return { value, reusable: true };
  });
  if (newest !== undefined) {
    await assertContinues(edge.head, rows, newest, 'the newest checkpoint');
    try {
      parts.format.verify(newest.note, newest);
    } catch (cause) {
      throw new Fault(
        'corrupt',
        'tree/checkpoint-mismatch',
        'the newest checkpoint is not signed by this log',
        { cause },
      );
    }
  }
  return { edge, newest };
}

/**
 * As `assertContinues`, for what this host's files remember. They are asked before the database: another replica that
 * shares them may publish at any moment, and what they speak of has been committed by then.
 */
export async function assertContinuesFiles(
  head: TreeHead,
  rows: TileRows,
  remembered: TreeHead | undefined,
): Promise<void> {
  if (remembered !== undefined) await assertContinues(head, rows, remembered, "this host's published files");
}
