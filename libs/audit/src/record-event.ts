/**
 * Records an event in the caller's own transaction.
 *
 * The event is a row of the outbox: if the transaction commits, the event is for ever, whatever happens to this
 * process next; if it does not, nothing was recorded because nothing was done. A failure to record is the
 * caller's failure too, so what must be audited does not happen unaudited.
 */
import type { Clock } from '#platform';
import { type AuditEvent, formatEvent, uuid7 } from './audit-event.js';

/** A connection inside a transaction: of `pg`, or TypeORM's EntityManager. */
export interface Transaction {
  query(text: string, values: unknown[]): Promise<unknown>;
}

export interface RecordingParts {
  readonly clock: Clock;
  readonly random: (length: number) => Uint8Array;
  /** This process among the replicas. */
  readonly node: string;
  /** Which build this is. */
  readonly version: string;
}

/**
 * Last clause of a statement that has effects and records them at once; `places` are the parameters of each event, in
 * parentheses.
 */
export function insertEvents(places: string): string {
  return `INSERT INTO audit_outbox (uid, body) VALUES ${places}`;
}

/** How many parameters one event takes. */
export const EVENT_PARAMETERS = 2;

export class RecordEvent {
  readonly #parts: RecordingParts;

  constructor(parts: RecordingParts) {
    this.#parts = parts;
  }

  get node(): string {
    return this.#parts.node;
  }

  get version(): string {
    return this.#parts.version;
  }

  /** Durable exactly if `transaction` commits. @throws {Fault} audit/event-too-large */
  async within(transaction: Transaction, event: AuditEvent): Promise<void> {
    await transaction.query(insertEvents('($1, $2)'), this.values(event));
  }

  /** The parameters of one event in `insertEvents`. @throws {Fault} audit/event-too-large */
  values(event: AuditEvent): unknown[] {
    const { clock, random, node, version } = this.#parts;
    const timeMs = clock.nowMs();
    const uid = uuid7(timeMs, random(10));
    const body = formatEvent(event, { uid, timeMs, node, version });
    return [uid, Buffer.from(body.buffer, body.byteOffset, body.byteLength)];
  }
}
