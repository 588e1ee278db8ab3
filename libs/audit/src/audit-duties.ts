/**
 * What the audit trail does by itself while an appliance runs: it records the start and the stop, listens for trees
 * and keys that refuse, moves events into the tree, and makes the boundary checkpoints that are due.
 *
 * What is due stands in PostgreSQL; the timers here only look.
 */
import type { Pool } from 'pg';
import type { Fault } from '#core/fault';
import type { Clock, HealthProbes, Logger, Metrics } from '#platform';
import type { AuditEvent } from './audit-event.js';
import type { BoundaryWatch } from './boundary/boundary-watch.js';
import type { KeepBoundaries } from './boundary/keep-boundaries.js';
import type { DrainOutbox } from './drain-outbox.js';
import type { RecordEvent } from './record-event.js';
import type { RecordStart, StartingFacts } from './record-start.js';

const LOOK_MS = 5000;
/** A refusal that repeats is recorded once in this time: whoever waits tries again several times a second. */
const REPEAT_MS = 60_000;
const STOP_MS = 3000;
/** Counts of key uses that other replicas read are at most so old. */
const HEAR_MS = 60_000;

export interface DutyParts {
  readonly pool: Pool;
  readonly trees: { whenIsolated(tell: (name: string, fault: Fault) => void): void };
  readonly hsm: { whenRefused(tell: (key: string, fault: Fault) => void): void };
  readonly record: RecordEvent;
  readonly drain: DrainOutbox;
  readonly boundaries: KeepBoundaries;
  readonly watch: BoundaryWatch;
  readonly uses: { refreshIfPossible(): Promise<void> };
  readonly start: RecordStart;
  readonly facts: Omit<StartingFacts, 'migrations'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly health: HealthProbes;
}

export class AuditDuties {
  readonly #parts: DutyParts;
  readonly #repeated = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #hearing: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();
  #ended = false;

  constructor(parts: DutyParts) {
    this.#parts = parts;
  }

  /** @throws if the start cannot be recorded: an appliance that cannot be audited does not start */
  async begin(): Promise<void> {
    const { pool, start, facts, trees, hsm, drain, watch, metrics, health, clock } = this.#parts;
    const { rows } = await pool.query<{ name: string }>('SELECT name FROM airseal_migrations ORDER BY id');
    await start.started({ ...facts, migrations: rows.map(({ name }) => name) });
    trees.whenIsolated((name, fault) => this.#refused(isolation(name, fault)));
    hsm.whenRefused((key, fault) => this.#refused(refusal(key, fault)));
    health.add('boundaries', () => watch.probe(), { essential: false });
    metrics.readGauge(
      'airseal_audit_outbox_events',
      'Audit events that wait to be sequenced',
      () => drain.backlog.rows,
    );
    metrics.readGauge('airseal_audit_outbox_oldest_seconds', 'Since when the oldest of them waits', () => {
      const { rows: waiting, oldestMs } = drain.backlog;
      return waiting === 0 ? 0 : Math.max(0, (clock.nowMs() - oldestMs) / 1000);
    });
    drain.start();
    // In the background: a token that is away delays boundaries, not the doors.
    this.#look();
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref();
    this.#hearing = setInterval(() => void this.#parts.uses.refreshIfPossible(), HEAR_MS).unref();
  }

  /** Records the stop and moves what can be moved in a short time; the rest waits in the database. */
  async end(): Promise<void> {
    if (this.#ended || this.#timer === undefined) return;
    this.#ended = true;
    clearInterval(this.#timer);
    clearInterval(this.#hearing);
    const { start, drain, logger } = this.#parts;
    try {
      await briefly(this.#parts.uses.refreshIfPossible());
      await start.stopped();
      await drain.stop();
      await briefly(Promise.all([drain.run(), this.#looking]));
    } catch (err) {
      logger.warn({ err }, 'the end of the audit trail waits in the database');
    }
  }

  #look(): void {
    const { boundaries, watch, logger } = this.#parts;
    this.#looking = boundaries
      .turn()
      .then(() => watch.look())
      .catch((err: unknown) => logger.warn({ err }, 'could not look for boundary checkpoints that are due'));
  }

  /** Of its own transaction: what is refused has no effect to share one with. */
  #refused(event: AuditEvent): void {
    const { pool, record, clock, logger } = this.#parts;
    const key = JSON.stringify([event.code, event.resource ?? null, event.reason ?? null]);
    const nowMs = clock.nowMs();
    if (nowMs - (this.#repeated.get(key) ?? Number.NEGATIVE_INFINITY) < REPEAT_MS) return;
    this.#repeated.set(key, nowMs);
    record
      .within(pool, event)
      .catch((err: unknown) => logger.error({ err, event }, 'a refusal could not be recorded'));
  }
}

function isolation(name: string, fault: Fault): AuditEvent {
  return {
    code: fault.code === 'tree/fork' ? 'log.fork.detected' : 'log.consistency.failed',
    outcome: 'failure',
    reason: fault.message,
    resource: { type: 'tree', id: name },
    details: { fault: fault.code, effect: 'quarantine' },
  };
}

function refusal(key: string, fault: Fault): AuditEvent {
  return {
    code: 'hsm.sign.refused',
    outcome: 'failure',
    reason: fault.message,
    resource: { type: 'key', id: key },
    details: { fault: fault.code },
  };
}

async function briefly(work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([
    work,
    new Promise((resolve) => {
      timer = setTimeout(resolve, STOP_MS);
    }),
  ]);
  clearTimeout(timer);
}
