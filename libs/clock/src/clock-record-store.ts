/** Reads and adds the records about the clock. */
import type { Pool, PoolClient } from 'pg';
import type { ClockReport } from '#platform';
import { describeReport } from './describe-report.js';

export interface ClockRecord {
  readonly id: string;
  readonly node: string;
  /** The time that entries and tokens were dated with, when this was recorded. */
  readonly believed: string;
  /** What the clock of the machine read. */
  readonly machine: string;
  /** What the clock of the database read. */
  readonly database: string;
  readonly what: string;
  readonly standing: string;
  readonly report: Readonly<Record<string, unknown>>;
}

export interface ClockRecordQuery {
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
  readonly limit: number;
  /** Only records after this one. */
  readonly afterId?: string | undefined;
}

interface Row {
  id: string;
  node: string;
  believed_ms: string;
  machine_ms: string;
  recorded_at: Date;
  what: string;
  standing: string;
  body: Record<string, unknown>;
}

export async function addRecord(
  client: PoolClient,
  node: string,
  what: string,
  report: ClockReport,
  further: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  await client.query(
    `INSERT INTO clock_record (node, believed_ms, machine_ms, what, standing, body) VALUES ($1, $2, $3, $4, $5, $6)`,
    [
      node,
      Math.floor(report.believedMs),
      Math.floor(report.machineMs),
      what,
      report.standing,
      JSON.stringify({ ...describeReport(report), ...further }),
    ],
  );
}

export class ClockRecordStore {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** By believed time, oldest first; and for each node the last record before `fromMs`, which was in force then. */
  async find({ fromMs, toMs, limit, afterId }: ClockRecordQuery): Promise<readonly ClockRecord[]> {
    const { rows } = await this.#pool.query<Row>(
      `SELECT id, node, believed_ms, machine_ms, recorded_at, what, standing, body FROM clock_record
        WHERE believed_ms < $2 AND id > $3 AND (believed_ms >= $1 OR id IN (
          SELECT max(id) FROM clock_record WHERE believed_ms < $1 GROUP BY node))
        ORDER BY id LIMIT $4`,
      [fromMs ?? 0, toMs ?? Number.MAX_SAFE_INTEGER, afterId ?? '0', limit],
    );
    return rows.map(({ id, node, believed_ms, machine_ms, recorded_at, what, standing, body }) => ({
      id,
      node,
      believed: new Date(Number(believed_ms)).toISOString(),
      machine: new Date(Number(machine_ms)).toISOString(),
      database: recorded_at.toISOString(),
      what,
      standing,
      report: body,
    }));
  }
}
