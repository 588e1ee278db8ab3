/**
 * Anchors the audit trail in the signature log.
 *
 *   1. prepare  with the boundary, in its transaction: a hashedrekord over a statement that holds the audit
 *               checkpoint, signed by the audit key. The request is kept as octets, since another signature would
 *               make another entry. The statement is JSON because the agent signs what reads as a head of a log only
 *               for the log itself
 *   2. place    the request goes into the v1 log; the log answers a repetition with the place of the first one
 *   3. record   index and identifier, with an event in the trail itself
 *
 * A crash between any two is repeated from the stored request: one boundary, one entry.
 */
import type { Pool, PoolClient } from 'pg';
import { Fault, isFault } from '#core/fault';
import { canonicalJson, isJsonObject, parseJson } from '#core/json';
import { fromUtf8, toBase64 } from '#core/octets';
import type { Signer } from '#hsm';
import { hashedRekordRequest, type V1Log } from '#log';
import type { SignedHead } from '#tree';
import type { RecordEvent } from '../record-event.js';
import { instant } from './boundary-instants.js';

/** What is signed and logged for an audit checkpoint: canonical JSON, so that its digest can be computed anew. */
export function formatAnchor(note: string): Uint8Array {
  return canonicalJson({ apiVersion: 'airseal/audit-anchor/v1', checkpoint: note });
}

export interface AnchorPorts {
  readonly pool: Pool;
  readonly log: Pick<V1Log, 'append' | 'byId'>;
  readonly auditKey: () => Promise<Signer>;
  readonly record: RecordEvent;
}

export class AnchorAuditHead {
  readonly #ports: AnchorPorts;

  constructor(ports: AnchorPorts) {
    this.#ports = ports;
  }

  async prepare(client: PoolClient, dueMs: number, { note, size, root }: SignedHead): Promise<void> {
    const key = await this.#ports.auditKey();
    const statement = formatAnchor(note);
    const request = hashedRekordRequest(statement, await key.sign(statement), key);
    const row = [dueMs, size.toString(), Buffer.from(root), Buffer.from(request)];
    await client
      .query('INSERT INTO audit_anchor (due_ms, size, root, request) VALUES ($1, $2, $3, $4)', row)
      .catch((error: unknown) => {
        key.abandoned?.();
        throw error;
      });
  }

  /** Places every anchor that has no place yet, oldest first. @throws {Fault} tree/…, log/… */
  async place(): Promise<void> {
    const { pool } = this.#ports;
    const { rows } = await pool.query<{ due_ms: string; size: string; root: Buffer; request: Buffer }>(
      `SELECT a.due_ms, a.size, a.root, a.request FROM audit_anchor a LEFT JOIN audit_anchor_place p USING (due_ms)
        WHERE p.due_ms IS NULL ORDER BY a.due_ms`,
    );
    for (const { due_ms, size, root, request } of rows) {
      const entry = await this.#append(request);
      await this.#keep(Number(due_ms), { size, root: toBase64(root) }, entry);
    }
  }

  async #append(request: Uint8Array): Promise<{ entryId: string; logIndex: string }> {
    const { log } = this.#ports;
    try {
      return placeOf(await log.append(request));
    } catch (error) {
      if (!isFault(error) || error.code !== 'log/duplicate') throw error;
      const entryId = String(error.detail['entryId']);
      const known = await log.byId(entryId);
      if (known === undefined) throw error;
      return placeOf(known);
    }
  }

  async #keep(
    dueMs: number,
    head: { readonly size: string; readonly root: string },
    { entryId, logIndex }: { entryId: string; logIndex: string },
  ): Promise<void> {
    const { pool, record } = this.#ports;
    const client = await pool.connect();
    let broken = true;
    try {
      await client.query('BEGIN');
      const { rowCount } = await client.query(
        `INSERT INTO audit_anchor_place (due_ms, log_index, entry_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
        [dueMs, logIndex, entryId],
      );
      if (rowCount === 1) {
        await record.within(client, {
          code: 'audit.checkpoint',
          log: { ...head, anchorEntry: entryId, anchorIndex: logIndex },
          details: { due: instant(dueMs) },
        });
      }
      await client.query('COMMIT');
      broken = false;
    } finally {
      client.release(broken);
    }
  }
}

/** An answer of the log names the index inside: `{"<entry id>": {"logIndex": …}}`. */
function placeOf({ entryId, json }: { entryId: string; json: string }): {
  entryId: string;
  logIndex: string;
} {
  const answer = parseJson(fromUtf8(json));
  const [entry] = isJsonObject(answer) ? Object.values(answer) : [];
  const index = isJsonObject(entry) ? entry['logIndex'] : undefined;
  if (typeof index !== 'number')
    throw new Fault('corrupt', 'audit/anchor', 'the log answered an anchor without its index');
  return { entryId, logIndex: String(index) };
}
