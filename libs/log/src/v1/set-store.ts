import { toHex } from '#core/octets';
import type { Pool } from 'pg';

interface Waiting {
  readonly index: bigint;
  readonly signature: Uint8Array;
  readonly resolve: (stands: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/** Signed entry timestamps: made once, stored, and given out again on every look-up (no signature on reads). */
export class SetStore {
  readonly #pool: Pool;
  readonly #shard: number;
  #waiting: Waiting[] = [];
  #writing = false;

  constructor(pool: Pool, shard: number) {
    this.#pool = pool;
    this.#shard = shard;
  }

  async find(index: bigint): Promise<Uint8Array | undefined> {
    const { rows } = await this.#pool.query<{ signature: Buffer }>(
      'SELECT signature FROM log_set WHERE shard = $1 AND idx = $2',
      [this.#shard, index.toString()],
    );
    return rows[0]?.signature;
  }

  /**
   * Resolves once stored, to whether this signature is the one that stands; whatever comes while one statement is under
   * way goes together into the next.
   */
  keep(index: bigint, signature: Uint8Array): Promise<boolean> {
    const kept = new Promise<boolean>((resolve, reject) => {
      this.#waiting.push({ index, signature, resolve, reject });
    });
    if (!this.#writing) void this.#write();
    return kept;
  }

  async #write(): Promise<void> {
    this.#writing = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, 1000);
      try {
        const { rows } = await this.#pool.query<{ signature: Buffer }>(
          `INSERT INTO log_set (shard, idx, signature)
           SELECT $1, idx, signature FROM unnest($2::bigint[], $3::bytea[]) AS made(idx, signature)
           ON CONFLICT DO NOTHING RETURNING signature`,
          [
            this.#shard,
            batch.map(({ index }) => index.toString()),
            batch.map(({ signature }) => Buffer.from(signature)),
          ],
        );
        const standing = new Set(rows.map((row) => toHex(row.signature)));
        for (const { resolve, signature } of batch) resolve(standing.has(toHex(signature)));
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#writing = false;
  }
}
