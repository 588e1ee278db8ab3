/**
 * Keeps the online roles fresh while the appliance runs: at the start, and every hour by a repeatable job.
 *
 * The job carries nothing: what is due is read from PostgreSQL and the published files, so a Redis that was
 * lost or emptied loses no more than an hour. A role is signed again at half its life, days before it would
 * expire, so an hour more or less does not matter.
 */
import { isFault } from '#core/fault';
import type { Logger, Queue } from '#platform';
import type { ReSignOnlineRoles } from './re-sign-online-roles.js';

const EVERY_MS = 3_600_000;

export class ReSigningSchedule {
  readonly #queue: Queue;
  readonly #reSign: ReSignOnlineRoles;
  readonly #logger: Logger;

  constructor(queue: Queue, reSign: ReSignOnlineRoles, logger: Logger) {
    this.#queue = queue;
    this.#reSign = reSign;
    this.#logger = logger;
  }

  /** Does not wait for Redis: an appliance without it still serves, and signs again at its next start. */
  async start(): Promise<void> {
    await this.#run().catch(() => undefined);
    // A failed job is kept by Bull for inspection; the next hour tries again.
    this.#queue.process('re-sign', () => this.#run()).catch((err: unknown) => this.#warn(err));
    this.#queue
      .add('re-sign', {}, { repeat: { every: EVERY_MS }, jobId: 're-sign' })
      .catch((err: unknown) => this.#warn(err));
  }

  async #run(): Promise<void> {
    try {
      const signed = await this.#reSign.execute();
      if (signed !== 'nothing')
        this.#logger.info({ signed }, 'signed the online roles of the trust root again');
    } catch (err) {
      this.#logger.error(
        { err, code: isFault(err) ? err.code : undefined },
        'could not sign the online roles of the trust root again; clients keep working until they expire',
      );
      throw err;
    }
  }

  #warn(err: unknown): void {
    this.#logger.warn({ err }, 'could not schedule the signing of the trust root');
  }
}
