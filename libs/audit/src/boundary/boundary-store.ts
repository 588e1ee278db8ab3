/** Boundary checkpoints and gaps as they are kept for ever, and the reading of them. */
import type { Pool, PoolClient } from 'pg';
import type { BoundaryKind } from './boundary-instants.js';

export interface Boundary {
  readonly tree: string;
  readonly origin: string;
  readonly dueMs: number;
  readonly kinds: readonly BoundaryKind[];
  readonly madeMs: number;
  readonly size: bigint;
  readonly root: Uint8Array;
  /** The checkpoint as the tree's face spells it. */
  readonly note: string;
  /** TimeStampResp over the octets of `note`, DER. */
  readonly token: Uint8Array;
  /** Where the v1 log holds it; audit tree only. */
  readonly anchor: { readonly logIndex: bigint; readonly entryId: string } | undefined;
}

/** Boundaries that were missed: every hour from `firstMs` to `lastMs`. */
export interface BoundaryGap {
  readonly tree: string;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly reason: string;
  /** The boundary that came next. */
  readonly closedByMs: number;
}

export interface BoundaryQuery {
  readonly tree?: string | undefined;
  /** Inclusive. */
  readonly fromMs: number;
  /** Exclusive. */
  readonly toMs: number;
  readonly limit: number;
}

/** Newest boundary of one tree, and how many hours it has missed since it was born. */
export interface BoundaryState {
  readonly shard: number;
  readonly newestMadeMs: number;
  readonly newestDueMs: number;
  readonly missed: number;
}

export interface NewBoundary {
  readonly shard: number;
  readonly dueMs: number;
  readonly kinds: readonly BoundaryKind[];
  readonly madeMs: number;
  readonly size: bigint;
  readonly root: Uint8Array;
  readonly note: string;
  readonly token: Uint8Array;
}

function octets(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export class BoundaryStore {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Writes down that a boundary of `shard` is due, unless it or a later one has been made. */
  async schedule(shard: number, dueMs: number): Promise<void> {
    await this.#pool.query(
      `INSERT INTO boundary_due (shard, due_ms)
       SELECT $1, $2::bigint WHERE NOT EXISTS (SELECT 1 FROM boundary_checkpoint WHERE shard = $1 AND due_ms >= $2)
       ON CONFLICT DO NOTHING`,
      [shard, dueMs],
    );
  }

  /** Why the boundary could not be made this time. */
  async failed(shard: number, dueMs: number, reason: string): Promise<void> {
    await this.#pool.query('UPDATE boundary_due SET reason = $3 WHERE shard = $1 AND due_ms = $2', [
      shard,
      dueMs,
      reason,
    ]);
  }

  async states(): Promise<readonly BoundaryState[]> {
    const { rows } = await this.#pool.query<{ shard: number; made: string; due: string; missed: string }>(
      `SELECT newest.shard, newest.made_ms AS made, newest.due_ms AS due,
              (SELECT coalesce(sum((last_ms - first_ms) / 3600000 + 1), 0) FROM boundary_gap g
                WHERE g.shard = newest.shard) AS missed
         FROM log_shard s CROSS JOIN LATERAL (
           SELECT * FROM boundary_checkpoint b WHERE b.shard = s.id ORDER BY due_ms DESC LIMIT 1) AS newest`,
    );
    return rows.map(({ shard, made, due, missed }) => ({
      shard,
      newestMadeMs: Number(made),
      newestDueMs: Number(due),
      missed: Number(missed),
    }));
  }

  /** The heads of one tree's boundaries, without their timestamps, oldest first. */
  async heads(tree: string): Promise<readonly Pick<Boundary, 'dueMs' | 'size' | 'root' | 'note'>[]> {
    const { rows } = await this.#pool.query<{ due_ms: string; size: string; root: Buffer; note: string }>(
      `SELECT b.due_ms, b.size, b.root, b.note FROM boundary_checkpoint b JOIN log_shard s ON s.id = b.shard
        WHERE s.name = $1 ORDER BY b.due_ms`,
      [tree],
    );
    return rows.map(({ due_ms: due, size, root, note }) => ({
      dueMs: Number(due),
      size: BigInt(size),
      root,
      note,
    }));
  }

  /** Oldest first. */
  async boundaries({ tree, fromMs, toMs, limit }: BoundaryQuery): Promise<readonly Boundary[]> {
    const { rows } = await this.#pool.query<{
      name: string;
      origin: string;
      due_ms: string;
      kinds: BoundaryKind[];
      made_ms: string;
      size: string;
      root: Buffer;
      note: string;
      token: Buffer;
      log_index: string | null;
      entry_id: string | null;
    }>(
      `SELECT s.name, s.origin, b.due_ms, b.kinds, b.made_ms, b.size, b.root, b.note, b.token, p.log_index, p.entry_id
         FROM boundary_checkpoint b JOIN log_shard s ON s.id = b.shard
         LEFT JOIN audit_anchor_place p ON p.due_ms = b.due_ms AND s.name LIKE 'audit/%'
        WHERE ($1::text IS NULL OR s.name = $1) AND b.due_ms >= $2 AND b.due_ms < $3
        ORDER BY b.due_ms, s.name LIMIT $4`,
      [tree ?? null, fromMs, toMs, limit],
    );
    return rows.map((row) => ({
      tree: row.name,
      origin: row.origin,
      dueMs: Number(row.due_ms),
      kinds: row.kinds,
      madeMs: Number(row.made_ms),
      size: BigInt(row.size),
      root: row.root,
      note: row.note,
      token: row.token,
      anchor:
        row.log_index === null || row.entry_id === null
          ? undefined
          : { logIndex: BigInt(row.log_index), entryId: row.entry_id },
    }));
  }

  async gaps({ tree, fromMs, toMs, limit }: BoundaryQuery): Promise<readonly BoundaryGap[]> {
    const { rows } = await this.#pool.query<{
      name: string;
      first_ms: string;
      last_ms: string;
      reason: string;
      closed_by_ms: string;
    }>(
      `SELECT s.name, g.first_ms, g.last_ms, g.reason, g.closed_by_ms
         FROM boundary_gap g JOIN log_shard s ON s.id = g.shard
        WHERE ($1::text IS NULL OR s.name = $1) AND g.last_ms >= $2 AND g.first_ms < $3
        ORDER BY g.first_ms, s.name LIMIT $4`,
      [tree ?? null, fromMs, toMs, limit],
    );
    return rows.map((row) => ({
      tree: row.name,
      firstMs: Number(row.first_ms),
      lastMs: Number(row.last_ms),
      reason: row.reason,
      closedByMs: Number(row.closed_by_ms),
    }));
  }
}

/** Locks the due row for this transaction; false if another replica has it, or has made the boundary. */
export async function claim(client: PoolClient, shard: number, dueMs: number): Promise<boolean> {
  const { rowCount } = await client.query(
    'SELECT 1 FROM boundary_due WHERE shard = $1 AND due_ms = $2 FOR UPDATE SKIP LOCKED',
    [shard, dueMs],
  );
  if (rowCount !== 1) return false;
  // The row may have been written again by somebody who looked just before the boundary was made.
  const made = await client.query(
    'SELECT 1 FROM boundary_checkpoint WHERE shard = $1 AND due_ms >= $2 LIMIT 1',
    [shard, dueMs],
  );
  if (made.rowCount === 0) return true;
  await client.query('DELETE FROM boundary_due WHERE shard = $1 AND due_ms <= $2', [shard, dueMs]);
  return false;
}

export interface ClosedGap {
  readonly firstMs: number;
  readonly lastMs: number;
  readonly reason: string;
}

/** Keeps the boundary, and in the same transaction the gap that it closes, if there is one. */
export async function keep(
  client: PoolClient,
  boundary: NewBoundary,
  hourMs: number,
): Promise<ClosedGap | undefined> {
  const { shard, dueMs, kinds, madeMs, size, root, note, token } = boundary;
  const { rows } = await client.query<{ before: string | null; reasons: string | null }>(
    `SELECT (SELECT max(due_ms) FROM boundary_checkpoint WHERE shard = $1) AS before,
            (SELECT string_agg(DISTINCT reason, '; ') FROM boundary_due WHERE shard = $1 AND due_ms < $2) AS reasons`,
    [shard, dueMs],
  );
  await client.query(
    `INSERT INTO boundary_checkpoint (shard, due_ms, kinds, made_ms, size, root, note, token)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [shard, dueMs, kinds, madeMs, size.toString(), octets(root), note, octets(token)],
  );
  await client.query('DELETE FROM boundary_due WHERE shard = $1 AND due_ms <= $2', [shard, dueMs]);
  const before = rows[0]?.before ?? null;
  if (before === null || Number(before) + hourMs >= dueMs) return undefined;
  const gap: ClosedGap = {
    firstMs: Number(before) + hourMs,
    lastMs: dueMs - hourMs,
    reason: rows[0]?.reasons ?? 'no appliance ran',
  };
  await client.query(
    `INSERT INTO boundary_gap (shard, first_ms, last_ms, reason, closed_by_ms) VALUES ($1, $2, $3, $4, $5)`,
    [shard, gap.firstMs, gap.lastMs, gap.reason, dueMs],
  );
  return gap;
}
