/**
 * What is kept beside the leaves of one tree, one attachment for each leaf at most.
 *
 * An attachment that comes later is written with the search keys it brings, in one transaction of the caller's, so a
 * search and the store never disagree. What is there is never replaced.
 */
import type { ClientBase, Pool } from 'pg';
import { bytea, byteaArray } from './copy-rows.js';
import type { Attachment } from './leaf.js';
import { searchKeyHash } from './sequence-batch.js';

export interface KeptAttachment extends Attachment {
  readonly index: bigint;
  /** When it was handed in; undefined where it came with the leaf. */
  readonly depositedMs: number | undefined;
}

/** An attachment, told without its octets. */
export interface AttachmentFacts {
  readonly digest: Uint8Array;
  readonly length: number;
  readonly depositedMs: number | undefined;
}

/** An attachment as it is listed. */
export interface ListedAttachment {
  readonly index: bigint;
  readonly length: number;
  /** Of its octets. */
  readonly sha256: Uint8Array;
  readonly depositedMs: number | undefined;
}

interface Row {
  readonly idx: string;
  readonly digest: Buffer;
  readonly octets: Buffer;
  readonly deposited_ms: string | null;
}

function kept({ idx, digest, octets, deposited_ms: at }: Row): KeptAttachment {
  return { index: BigInt(idx), digest, octets, depositedMs: at === null ? undefined : Number(at) };
}

export class Attachments {
  readonly #pool: Pool;
  readonly #shard: number;

  constructor(pool: Pool, shard: number) {
    this.#pool = pool;
    this.#shard = shard;
  }

  /** Those with this digest of leaves below `size`, oldest leaf first. */
  async byDigest(digest: Uint8Array, size: bigint, limit: number): Promise<KeptAttachment[]> {
    const { rows } = await this.#pool.query<Row>(
      `SELECT idx, digest, octets, deposited_ms FROM log_attachment
        WHERE digest = $2 AND shard = $1 AND idx < $3 ORDER BY idx LIMIT $4`,
      [this.#shard, bytea(digest), size.toString(), limit],
    );
    return rows.map(kept);
  }

  /** Those of these leaves. */
  async read(indexes: readonly bigint[]): Promise<KeptAttachment[]> {
    const { rows } = await this.#pool.query<Row>(
      `SELECT idx, digest, octets, deposited_ms FROM log_attachment
        WHERE shard = $1 AND idx = ANY($2::bigint[]) ORDER BY idx`,
      [this.#shard, indexes.map(String)],
    );
    return rows.map(kept);
  }

  /** As `byDigest`, without the octets. */
  async list(digest: Uint8Array, size: bigint, limit: number): Promise<ListedAttachment[]> {
    const { rows } = await this.#pool.query<{
      idx: string;
      length: number;
      sha256: Buffer;
      deposited_ms: string | null;
    }>(
      `SELECT idx, octet_length(octets) AS length, sha256(octets) AS sha256, deposited_ms FROM log_attachment
        WHERE digest = $2 AND shard = $1 AND idx < $3 ORDER BY idx LIMIT $4`,
      [this.#shard, bytea(digest), size.toString(), limit],
    );
    return rows.map(({ idx, length, sha256, deposited_ms: at }) => ({
      index: BigInt(idx),
      length,
      sha256,
      depositedMs: at === null ? undefined : Number(at),
    }));
  }

  /** How many with this digest were handed in. */
  async countDeposited(digest: Uint8Array): Promise<number> {
    const { rows } = await this.#pool.query<{ n: string }>(
      `SELECT count(*) AS n FROM log_attachment
        WHERE digest = $2 AND shard = $1 AND deposited_ms IS NOT NULL`,
      [this.#shard, bytea(digest)],
    );
    return Number(rows[0]?.n ?? 0);
  }

  /** Which of these leaves have one, without its octets. */
  async describe(indexes: readonly bigint[]): Promise<ReadonlyMap<bigint, AttachmentFacts>> {
    if (indexes.length === 0) return new Map();
    const { rows } = await this.#pool.query<{
      idx: string;
      digest: Buffer;
      length: number;
      deposited_ms: string | null;
    }>(
      `SELECT idx, digest, octet_length(octets) AS length, deposited_ms FROM log_attachment
        WHERE shard = $1 AND idx = ANY($2::bigint[])`,
      [this.#shard, indexes.map(String)],
    );
    return new Map(
      rows.map(({ idx, digest, length, deposited_ms: at }) => [
        BigInt(idx),
        { digest, length, depositedMs: at === null ? undefined : Number(at) },
      ]),
    );
  }

  /**
   * Keeps `attachment` for leaf `index` within the caller's transaction, and files the leaf under `keys` as well.
   * False, and nothing is written, if the leaf has one.
   */
  async keep(
    transaction: Pick<ClientBase, 'query'>,
    index: bigint,
    { digest, octets }: Attachment,
    keys: readonly string[],
    nowMs: number,
  ): Promise<boolean> {
    const { rowCount } = await transaction.query(
      `INSERT INTO log_attachment (shard, idx, digest, octets, deposited_ms)
       VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
      [this.#shard, index.toString(), bytea(digest), bytea(octets), nowMs],
    );
    if (rowCount !== 1) return false;
    await transaction.query(
      `INSERT INTO log_index (key_hash, shard, idx)
       SELECT key, $1, $2 FROM unnest($3::bytea[]) AS filed(key) ON CONFLICT DO NOTHING`,
      [this.#shard, index.toString(), byteaArray([...new Set(keys)].map((key) => bytea(searchKeyHash(key))))],
    );
    return true;
  }
}
