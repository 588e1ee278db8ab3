/**
 * The head of the database, compared with everything that was signed before.
 *
 * The signing side remembers heads where a restored database cannot reach: in this host's journal and in the token. It
 * signs for a tree only after it was told which head the database has, and only if that continues what it remembers.
 */
import { Fault } from '#core/fault';
import type { TreeHead } from '#core/merkle';
import { readHead } from './cut-head.js';
import { assertContinues } from './self-check.js';
import { NO_JOURNAL } from './signing-memory.js';
import type { TileRows } from './tile-rows.js';
import type { TreeParts } from './tree-parts.js';

/**
 * Announces the head that was read; resolves to the one that was announced in the end.
 *
 * @throws {Fault} tree/rolled-back, tree/forked; tree/no-journal where an operator must adopt a head first
 */
export async function announceHead(parts: TreeParts, rows: TileRows, read: TreeHead): Promise<TreeHead> {
  const {
    pool,
    shard,
    name,
    logger,
    adoptUnknown,
    format: { memory },
  } = parts;
  if (memory === undefined) return read;
  let head = read;
  let known = await memory.announce(head);
  // Another replica may have committed and signed more since `head` was read: only a database that is asked
  // after the answer, and still knows less, has gone back.
  while ((known.journal?.size ?? 0n) > head.size || (known.token?.size ?? 0n) > head.size) {
    const committed = await readHead(pool, shard);
    if (committed.size <= head.size) break;
    head = committed;
    known = await memory.announce(head);
  }
  if (adoptUnknown && known.journal === undefined && known.token === undefined && !known.open) {
    logger.warn(
      { tree: name, size: head.size.toString() },
      'no head of this log is remembered here or in the token; beginning with the one of the database',
    );
    await memory.adopt(head);
    known = await memory.announce(head);
  }
  const { journal, token, open } = known;
  if (journal !== undefined) await assertContinues(head, rows, journal, 'the signing journal of this host');
  if (token !== undefined) await assertContinues(head, rows, token, 'the token');
  if (!open) {
    throw new Fault(
      'unavailable',
      NO_JOURNAL,
      'this host has never signed for this log, and only reads it: compare a head with another replica or with paper, then run `airseal log adopt SIZE ROOT`',
    );
  }
  return head;
}
