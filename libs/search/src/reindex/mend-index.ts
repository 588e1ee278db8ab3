/**
 * Mends the index of a tree, as the owner of the tables: the running role can add rows and remove none.
 *
 * What was changed stands in the audit trail if it was changed: both are one transaction.
 */
import type { ClientBase } from 'pg';
import type { RecordEvent } from '#audit';
import type { IndexDifference } from './compare-range.js';

function columns(differences: readonly IndexDifference[]): [Buffer[], string[]] {
  const rows = differences.flatMap(({ keyHash, index }) =>
    keyHash === undefined ? [] : [{ key: Buffer.from(keyHash), index: index.toString() }],
  );
  return [rows.map(({ key }) => key), rows.map(({ index }) => index)];
}

export class MendIndex {
  readonly #owner: ClientBase;
  readonly #record: RecordEvent;

  constructor(owner: ClientBase, record: RecordEvent) {
    this.#owner = owner;
    this.#record = record;
  }

  /** Writes what is missing and removes what is too much; answers how many rows that were. */
  async mend(
    tree: { readonly name: string; readonly shard: number },
    differences: readonly IndexDifference[],
  ): Promise<number> {
    const owner = this.#owner;
    const missing = columns(differences.filter(({ what }) => what === 'missing'));
    const extra = columns(differences.filter(({ what }) => what === 'extra'));
    await owner.query('BEGIN');
    try {
      const { rowCount: written } = await owner.query(
        `INSERT INTO log_index (key_hash, shard, idx)
         SELECT key, $1, idx FROM unnest($2::bytea[], $3::bigint[]) AS row(key, idx) ON CONFLICT DO NOTHING`,
        [tree.shard, ...missing],
      );
      const { rowCount: removed } = await owner.query(
        `DELETE FROM log_index i USING unnest($2::bytea[], $3::bigint[]) AS row(key, idx)
          WHERE i.key_hash = row.key AND i.shard = $1 AND i.idx = row.idx`,
        [tree.shard, ...extra],
      );
      const changed = (written ?? 0) + (removed ?? 0);
      if (changed > 0) {
        await this.#record.within(owner, {
          code: 'log.index.mended',
          log: { tree: tree.name },
          details: { removed: removed ?? 0, written: written ?? 0 },
        });
      }
      await owner.query('COMMIT');
      return changed;
    } catch (error) {
      await owner.query('ROLLBACK').catch(() => undefined);
      throw error;
    }
  }
}
