import type { Pool } from 'pg';
import { bytea } from './copy-rows.js';
import type { StoredLeaf } from './leaf.js';
import { searchKeyHash } from './sequence-batch.js';

/** The leaves of one tree as their rows hold them; whoever asks says how many are published. */
export class StoredLeaves {
  readonly #pool: Pool;
  readonly #shard: number;

  constructor(pool: Pool, shard: number) {
    this.#pool = pool;
    this.#shard = shard;
  }

  /** Leaves `start` up to but not including `end`. */
  async range(start: bigint, end: bigint): Promise<StoredLeaf[]> {
    const { rows } = await this.#pool.query<{
      idx: string;
      leaf_hash: Buffer;
      kind: string;
      stamped_ms: string;
      body: Buffer;
      extra: Buffer | null;
    }>(
      `SELECT idx, leaf_hash, kind, stamped_ms, body, extra FROM log_leaf
        WHERE shard = $1 AND idx >= $2 AND idx < $3 ORDER BY idx`,
      [this.#shard, start.toString(), end.toString()],
    );
    return rows.map((row) => ({
      index: BigInt(row.idx),
      leafHash: row.leaf_hash,
      kind: row.kind,
      timestampMs: BigInt(row.stamped_ms),
      body: row.body,
      extra: row.extra ?? undefined,
    }));
  }

  async body(index: bigint): Promise<Uint8Array | undefined> {
    const { rows } = await this.#pool.query<{ body: Buffer }>(
      'SELECT body FROM log_leaf WHERE shard = $1 AND idx = $2',
      [this.#shard, index.toString()],
    );
    return rows[0]?.body;
  }

  /** Hash and time of some leaves, by index. */
  async stamps(
    indexes: readonly bigint[],
  ): Promise<ReadonlyMap<bigint, { leafHash: Uint8Array; timestampMs: bigint }>> {
    if (indexes.length === 0) return new Map();
    const { rows } = await this.#pool.query<{ idx: string; leaf_hash: Buffer; stamped_ms: string }>(
      'SELECT idx, leaf_hash, stamped_ms FROM log_leaf WHERE shard = $1 AND idx = ANY($2::bigint[])',
      [this.#shard, indexes.map(String)],
    );
    return new Map(
      rows.map((row) => [BigInt(row.idx), { leafHash: row.leaf_hash, timestampMs: BigInt(row.stamped_ms) }]),
    );
  }

  /** Where the leaf with this hash, or this identity, stands. */
  async find(hash: Uint8Array): Promise<bigint | undefined> {
    const { rows } = await this.#pool.query<{ idx: string }>(
      'SELECT idx FROM log_dedup WHERE key = $1 AND shard = $2',
      [bytea(hash), this.#shard],
    );
    const [row] = rows;
    return row === undefined ? undefined : BigInt(row.idx);
  }

  /** Leaves below `size` with any or all of these search keys, oldest first. */
  async search(
    keys: readonly string[],
    operator: 'and' | 'or',
    size: bigint,
    limit: number,
  ): Promise<{ index: bigint; leafHash: Uint8Array }[]> {
    const hashes = [...new Set(keys)].map((key) => bytea(searchKeyHash(key)));
    if (hashes.length === 0) return [];
    const { rows } = await this.#pool.query<{ idx: string; leaf_hash: Buffer }>(
      `SELECT found.idx, l.leaf_hash
         FROM (SELECT idx FROM log_index WHERE shard = $1 AND key_hash = ANY($2::bytea[]) AND idx < $3
                GROUP BY idx HAVING count(*) >= $4 ORDER BY idx LIMIT $5) AS found
         JOIN log_leaf l ON l.shard = $1 AND l.idx = found.idx
        ORDER BY found.idx`,
      [this.#shard, hashes, size.toString(), operator === 'and' ? hashes.length : 1, limit],
    );
    return rows.map((row) => ({ index: BigInt(row.idx), leafHash: row.leaf_hash }));
  }
}
