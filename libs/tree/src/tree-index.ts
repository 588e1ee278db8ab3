/**
 * The search keys of one tree, read in order and by the page.
 *
 * A question has a bound on what it may cost, whatever is asked: at most so many rows of its first key are looked at,
 * each further key is one probe for each of them, and whoever wants more asks again from where this ended.
 */
import type { Pool } from 'pg';
import { bytea, byteaArray } from './copy-rows.js';
import { searchKeyHash } from './sequence-batch.js';

export interface IndexPage {
  /** Leaves that stand under every key, in order. */
  readonly indexes: readonly bigint[];
  /** Where to go on; `undefined` when nothing is left. */
  readonly next: bigint | undefined;
  /** How many leaves were looked at. */
  readonly looked: number;
}

export interface PickedLeaf {
  readonly index: bigint;
  readonly leafHash: Uint8Array;
  readonly timestampMs: bigint;
  readonly body: Uint8Array;
}

interface LeafRow {
  readonly idx: string;
  readonly leaf_hash: Buffer;
  readonly stamped_ms: string;
  readonly body: Buffer;
}

function picked(row: LeafRow): PickedLeaf {
  return {
    index: BigInt(row.idx),
    leafHash: row.leaf_hash,
    timestampMs: BigInt(row.stamped_ms),
    body: row.body,
  };
}

export class TreeIndex {
  readonly #pool: Pool;
  readonly #shard: number;

  constructor(pool: Pool, shard: number) {
    this.#pool = pool;
    this.#shard = shard;
  }

  /**
   * Leaves from `start` up to but not including `end` that stand under all of `keys`; the key that is expected to be
   * the rarest goes first. Looks at no more than `effort` leaves, and answers at most `limit`.
   */
  async page(
    keys: readonly string[],
    start: bigint,
    end: bigint,
    { limit, effort }: { readonly limit: number; readonly effort: number },
  ): Promise<IndexPage> {
    const [first, ...others] = [...new Set(keys)].map((key) => bytea(searchKeyHash(key)));
    if (start >= end) return { indexes: [], next: undefined, looked: 0 };
    if (first === undefined) {
      const stop = start + BigInt(limit) < end ? start + BigInt(limit) : end;
      const indexes = Array.from({ length: Number(stop - start) }, (_, at) => start + BigInt(at));
      return { indexes, next: stop < end ? stop : undefined, looked: indexes.length };
    }
    // Where one key is all, each leaf under it is one of the answer.
    const most = others.length === 0 ? Math.min(limit, effort) : effort;
    const { rows } = await this.#pool.query<{ idx: string; all_of: boolean }>(
      `SELECT drive.idx,
              NOT EXISTS (SELECT 1 FROM unnest($5::bytea[]) AS other(key) WHERE NOT EXISTS (
                SELECT 1 FROM log_index i WHERE i.key_hash = other.key AND i.shard = $2 AND i.idx = drive.idx)) AS all_of
         FROM (SELECT idx FROM log_index WHERE key_hash = $1 AND shard = $2 AND idx >= $3 AND idx < $4
                ORDER BY idx LIMIT $6) AS drive
        ORDER BY drive.idx`,
      [first, this.#shard, start.toString(), end.toString(), byteaArray(others), most],
    );
    const indexes: bigint[] = [];
    for (const { idx, all_of: allOf } of rows) {
      if (!allOf) continue;
      indexes.push(BigInt(idx));
      if (indexes.length === limit) return { indexes, next: BigInt(idx) + 1n, looked: rows.length };
    }
    const last = rows.at(-1);
    const next = rows.length < most || last === undefined ? undefined : BigInt(last.idx) + 1n;
    return { indexes, next, looked: rows.length };
  }

  /**
   * Leaves below `size` that stand under any of `keys` and whose bodies hold any of `traces`, oldest first. Looks at no
   * more than `effort` of them under each key.
   */
  async holding(
    keys: readonly string[],
    traces: readonly Uint8Array[],
    size: bigint,
    { limit, effort }: { readonly limit: number; readonly effort: number },
  ): Promise<PickedLeaf[]> {
    const { rows } = await this.#pool.query<LeafRow>(
      `WITH filed AS MATERIALIZED (
         SELECT DISTINCT idx FROM (
           SELECT i.idx FROM unnest($2::bytea[]) AS wanted(key)
             CROSS JOIN LATERAL (SELECT idx FROM log_index WHERE key_hash = wanted.key AND shard = $1 AND idx < $4
                                  ORDER BY idx LIMIT $6) AS i) AS any_key)
       SELECT l.idx, l.leaf_hash, l.stamped_ms, l.body
         FROM filed JOIN log_leaf l ON l.shard = $1 AND l.idx = filed.idx
        WHERE EXISTS (SELECT 1 FROM unnest($3::bytea[]) AS trace(octets) WHERE position(trace.octets IN l.body) > 0)
        ORDER BY l.idx LIMIT $5`,
      [
        this.#shard,
        byteaArray(keys.map((key) => bytea(searchKeyHash(key)))),
        byteaArray(traces.map(bytea)),
        size.toString(),
        limit,
        effort,
      ],
    );
    return rows.map(picked);
  }

  /** How many leaves below `size` stand under `key`. */
  async count(key: string, size: bigint): Promise<bigint> {
    const { rows } = await this.#pool.query<{ n: string }>(
      'SELECT count(*) AS n FROM log_index WHERE key_hash = $1 AND shard = $2 AND idx < $3',
      [bytea(searchKeyHash(key)), this.#shard, size.toString()],
    );
    return BigInt(rows[0]?.n ?? 0);
  }

  /** The first leaf below `size` that is stamped `ms` or later, or `size`: stamps never go back. */
  async firstStampedAt(ms: bigint, size: bigint): Promise<bigint> {
    let [low, high] = [0n, size];
    while (low < high) {
      const middle = (low + high) / 2n;
      const { rows } = await this.#pool.query<{ stamped_ms: string }>(
        'SELECT stamped_ms FROM log_leaf WHERE shard = $1 AND idx = $2',
        [this.#shard, middle.toString()],
      );
      if (BigInt(rows[0]?.stamped_ms ?? 0) >= ms) high = middle;
      else low = middle + 1n;
    }
    return low;
  }

  /** These leaves, in order. */
  async pick(indexes: readonly bigint[]): Promise<PickedLeaf[]> {
    if (indexes.length === 0) return [];
    const { rows } = await this.#pool.query<LeafRow>(
      `SELECT idx, leaf_hash, stamped_ms, body FROM log_leaf
        WHERE shard = $1 AND idx = ANY($2::bigint[]) ORDER BY idx`,
      [this.#shard, indexes.map(String)],
    );
    return rows.map(picked);
  }

  /** The newest checkpoint over exactly `size` leaves. */
  async checkpointAt(size: bigint): Promise<string | undefined> {
    const { rows } = await this.#pool.query<{ note: string }>(
      'SELECT note FROM log_checkpoint WHERE shard = $1 AND size = $2 ORDER BY signed_ms DESC LIMIT 1',
      [this.#shard, size.toString()],
    );
    return rows[0]?.note;
  }
}
