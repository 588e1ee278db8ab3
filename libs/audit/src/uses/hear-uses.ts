/**
 * Hears from the agents how often keys were used, and keeps it where all replicas can read it.
 *
 * The agents' files are the truth; the table holds what was heard last, of the agents of every host. At each full hour
 * whoever makes the boundary of the audit trail puts all of it into the trail, one event for each counter, in the
 * transaction of the boundary: so there are figures for every day from the first one on.
 */
import type { Pool, PoolClient } from 'pg';
import { toHex } from '#core/octets';
import type { Hsm, Purpose, UsesReport } from '#hsm';
import type { Logger } from '#platform';
import { instant } from '../boundary/boundary-instants.js';
import type { RecordEvent } from '../record-event.js';

/** The uses of one key for one purpose, as one counter has them. */
export interface HeardUses {
  readonly counter: string;
  readonly token: string;
  /** SHA-256 of the public key, hexadecimal. */
  readonly key: string;
  readonly label: string;
  readonly purpose: Purpose;
  readonly counted: bigint;
  readonly uncertain: bigint;
  readonly failed: bigint;
  readonly adrift: bigint;
  readonly since: Date;
  readonly heardAt: Date;
}

export interface HeardBreak {
  readonly counter: string;
  readonly at: Date;
  readonly reason: string;
}

export interface HearingParts {
  readonly pool: Pool;
  readonly hsm: Pick<Hsm, 'tokenNames' | 'uses'>;
  readonly record: RecordEvent;
  readonly logger: Logger;
}

interface UseRow {
  readonly counter: string;
  readonly token: string;
  readonly key: Buffer;
  readonly purpose: Purpose;
  readonly label: string;
  readonly counted: string;
  readonly uncertain: string;
  readonly failed: string;
  readonly adrift: string;
  readonly since: Date;
  readonly heard_at: Date;
}

export class HearUses {
  readonly #parts: HearingParts;

  constructor(parts: HearingParts) {
    this.#parts = parts;
  }

  /** Asks every agent of this host and keeps what it says. @throws {Fault} hsm/… */
  async refresh(): Promise<void> {
    const { hsm } = this.#parts;
    for (const token of hsm.tokenNames) await this.#keep(token, await hsm.uses(token));
  }

  /** As `refresh`; a token that is away is heard of later. */
  async refreshIfPossible(): Promise<void> {
    await this.refresh().catch((err: unknown) => {
      this.#parts.logger.warn({ err }, 'the counts of key uses could not be read from the agent');
    });
  }

  /** What was heard last, of every counter. */
  async heard(): Promise<readonly HeardUses[]> {
    const { rows } = await this.#parts.pool.query<UseRow>(
      'SELECT * FROM key_use ORDER BY token, label, purpose, counter',
    );
    return rows.map(({ key, counted, uncertain, failed, adrift, heard_at: heardAt, ...row }) => ({
      ...row,
      key: toHex(key),
      counted: BigInt(counted),
      uncertain: BigInt(uncertain),
      failed: BigInt(failed),
      adrift: BigInt(adrift),
      heardAt,
    }));
  }

  async breaks(): Promise<readonly HeardBreak[]> {
    const { rows } = await this.#parts.pool.query<HeardBreak>(
      'SELECT counter, at, reason FROM key_use_break ORDER BY at, counter',
    );
    return rows;
  }

  /** Puts all that was heard into the trail, with the boundary that is due. */
  async recordAt(client: PoolClient, dueMs: number): Promise<void> {
    const { record } = this.#parts;
    const heard = await this.heard();
    for (const counter of new Set(heard.map((one) => one.counter))) {
      const uses = heard.filter((one) => one.counter === counter);
      await record.within(client, {
        code: 'hsm.uses.counted',
        resource: { type: 'counter', id: counter },
        details: {
          due: instant(dueMs),
          uses: uses.map(({ key, label, purpose, counted, uncertain, failed, adrift, heardAt }) => ({
            key,
            label,
            purpose,
            counted: counted.toString(),
            uncertain: uncertain.toString(),
            failed: failed.toString(),
            adrift: adrift.toString(),
            heardAt: heardAt.toISOString(),
          })),
        },
      });
    }
  }

  async #keep(token: string, { counter, uses, breaks, durable }: UsesReport): Promise<void> {
    if (!durable) return;
    const { pool } = this.#parts;
    for (const { at, reason } of breaks) await this.#keepBreak(counter, at, reason);
    if (uses.length === 0) return;
    // Of two answers the later one may arrive first: a count never goes back.
    await pool.query(
      `INSERT INTO key_use (counter, token, key, purpose, label, counted, uncertain, failed, adrift, since)
       SELECT $1, $2, decode(u.key, 'hex'), u.purpose, u.label, u.counted, u.uncertain, u.failed, u.adrift, u.since
         FROM jsonb_to_recordset($3::jsonb)
           AS u(key text, purpose text, label text, counted bigint, uncertain bigint, failed bigint, adrift bigint,
                since timestamptz)
       ON CONFLICT (counter, key, purpose) DO UPDATE
         SET label = EXCLUDED.label, counted = EXCLUDED.counted, uncertain = EXCLUDED.uncertain,
             failed = EXCLUDED.failed, adrift = EXCLUDED.adrift, heard_at = now()
         WHERE EXCLUDED.counted >= key_use.counted`,
      [
        counter,
        token,
        JSON.stringify(
          uses.map(({ counted, uncertain, failed, adrift, since, ...pair }) => ({
            ...pair,
            counted: counted.toString(),
            uncertain: uncertain.toString(),
            failed: failed.toString(),
            adrift: adrift.toString(),
            since: since.toISOString(),
          })),
        ),
      ],
    );
  }

  async #keepBreak(counter: string, at: Date, reason: string): Promise<void> {
    const { pool, record } = this.#parts;
    const client = await pool.connect();
    let broken = true;
    try {
      await client.query('BEGIN');
      const { rowCount } = await client.query(
        'INSERT INTO key_use_break (counter, at, reason) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
        [counter, at, reason],
      );
      if (rowCount === 1) {
        await record.within(client, {
          code: 'hsm.audit_log.gap',
          outcome: 'failure',
          reason: reason.slice(0, 2000),
          resource: { type: 'counter', id: counter },
          details: { at: at.toISOString() },
        });
      }
      await client.query('COMMIT');
      broken = false;
    } finally {
      client.release(broken);
    }
  }
}
