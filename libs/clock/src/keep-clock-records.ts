/**
 * What is kept about the clock, so that anybody can see later which clock stood behind a token.
 *
 *   1. start    a record of how the time stands when this process begins
 *   2. change   whatever changes is a record and an event of the audit trail, in one transaction
 *   3. hour     and so is the state of every source at each full hour, changed or not: between two records nothing happened
 *
 * The floor is read anew at each turn: other replicas sign too. What cannot be recorded waits here and is tried again; the
 * clock is no reason to stop the logs, and a token is refused by the trust itself, recorded or not.
 */
import type { Pool } from 'pg';
import type { AuditEvent, RecordEvent } from '#audit';
import type { ClockChange, ClockReport, ClockWatch, Logger } from '#platform';
import { addRecord } from './clock-record-store.js';
import { describeReport, describeSource } from './describe-report.js';
import { floorOf } from './open-time.js';

const HOUR_MS = 3_600_000;
/** More than this is not kept in memory: the oldest are the ones that explain the rest. */
const MOST_WAITING = 1000;

interface Waiting {
  readonly what: string;
  readonly report: ClockReport;
  readonly event: AuditEvent;
}

export interface ClockRecordParts {
  readonly pool: Pool;
  readonly record: RecordEvent;
  readonly watch: ClockWatch;
  readonly pollSeconds: number;
  readonly logger: Logger;
}

export class KeepClockRecords {
  readonly #parts: ClockRecordParts;
  readonly #waiting: Waiting[] = [];
  #hour = Number.NaN;
  #timer: NodeJS.Timeout | undefined;
  #turn: Promise<void> = Promise.resolve();
  #lost = 0;

  constructor(parts: ClockRecordParts) {
    this.#parts = parts;
  }

  /** Resolves once the state at the start is recorded. @throws if it cannot be: who cannot be audited does not start */
  async begin(): Promise<void> {
    const { watch, pollSeconds } = this.#parts;
    const report = watch.trust.report();
    this.#hour = hourOf(report);
    this.#note('start', report, summary(report, 'start'));
    await this.#write();
    watch.whenChanged((changes, now) => {
      for (const change of changes) this.#note(change.what, now, eventOf(change, now));
      void this.turn();
    });
    watch.start();
    this.#timer = setInterval(() => void this.turn(), pollSeconds * 1000).unref();
  }

  /** Writes what waits, reads the floor, and records the hour if a new one has begun; one at a time. Never rejects. */
  turn(): Promise<void> {
    return (this.#turn = this.#turn.then(() => this.#work()));
  }

  async end(): Promise<void> {
    clearInterval(this.#timer);
    this.#parts.watch.stop();
    await this.turn();
  }

  async #work(): Promise<void> {
    const { pool, watch, logger } = this.#parts;
    const report = watch.trust.report();
    if (hourOf(report) !== this.#hour) {
      this.#hour = hourOf(report);
      this.#note('summary', report, summary(report, 'summary'));
    }
    try {
      const floorMs = await floorOf(pool);
      if (floorMs !== undefined) watch.trust.raiseFloor(floorMs);
      await this.#write();
    } catch (err) {
      logger.warn({ err, waiting: this.#waiting.length }, 'records about the clock wait to be written');
    }
  }

  #note(what: string, report: ClockReport, event: AuditEvent): void {
    if (this.#waiting.length >= MOST_WAITING) {
      this.#lost += 1;
      this.#parts.logger.error(
        { what, lost: this.#lost },
        'a record about the clock was lost: too many wait',
      );
      return;
    }
    this.#waiting.push({ what, report, event });
  }

  /** Oldest first, each in a transaction of its own, together with its event. */
  async #write(): Promise<void> {
    const { pool, record } = this.#parts;
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const client = await pool.connect();
      let broken = true;
      try {
        await client.query('BEGIN');
        await addRecord(client, record.node, next.what, next.report);
        await record.within(client, next.event);
        await client.query('COMMIT');
        broken = false;
      } finally {
        // A connection with an open transaction is given to nobody else; ending it is the rollback.
        client.release(broken);
      }
      this.#waiting.shift();
    }
  }
}

function hourOf({ believedMs }: ClockReport): number {
  return Math.floor(believedMs / HOUR_MS);
}

function summary(report: ClockReport, at: string): AuditEvent {
  return { code: 'clock.observed', reason: at, details: describeReport(report) };
}

function eventOf(change: ClockChange, report: ClockReport): AuditEvent {
  const details = describeReport(report);
  switch (change.what) {
    case 'source.lost':
    case 'source.recovered': {
      const lost = change.what === 'source.lost';
      return {
        code: lost ? 'clock.source.lost' : 'clock.source.recovered',
        outcome: lost ? 'failure' : 'success',
        ...(change.source.reason === undefined || !lost ? {} : { reason: change.source.reason }),
        resource: { type: 'time-source', id: change.source.name },
        details,
      };
    }
    case 'disagreement':
      return {
        code: 'clock.disagreement',
        outcome: 'failure',
        reason: `contradicting: ${change.sources.map(({ name }) => name).join(', ')}`,
        details: { ...details, contradicting: change.sources.map(describeSource) },
      };
    case 'holdover.started':
      return { code: 'clock.holdover.started', details };
    case 'holdover.ended':
      return { code: 'clock.holdover.ended', details };
    case 'jumped':
      return {
        code: 'clock.jumped',
        outcome: 'failure',
        reason: `the clock of the machine was moved by ${change.jumpMs} ms`,
        details,
      };
    case 'floor':
      return { code: 'clock.floor', outcome: 'failure', reason: change.reason, details };
    case 'untrusted':
      return {
        code: 'clock.untrusted',
        outcome: 'failure',
        reason: `${change.code}: ${change.reason}`,
        details,
      };
    case 'trusted':
      return { code: 'clock.trusted', details };
  }
}
