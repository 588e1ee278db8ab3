/** Tells when each TUF role expires, as a metric and to /readyz: an expired role stops every client. */
import { Fault, isFault } from '#core/fault';
import { parseTufFile, ROLE_NAMES, type RepositoryFiles, type RoleName } from '#core/tuf';
import type { Clock, Metrics, ProbeFacts } from '#platform';
import { instantMs } from './instant.js';

export class ExpiryWatch {
  readonly #clock: Clock;
  readonly #gauge: ReturnType<Metrics['gauge']>;
  readonly #expires = new Map<RoleName, string>();
  #why: unknown;

  constructor(clock: Clock, metrics: Metrics) {
    this.#clock = clock;
    this.#gauge = metrics.gauge(
      'airseal_tuf_role_expiry_timestamp_seconds',
      'When the published metadata of a TUF role expires, in seconds since 1970',
      ['role'],
    );
  }

  /** Until something readable is published, this is why nothing is. */
  unreadable(why: unknown): void {
    this.#why = why;
  }

  see(files: RepositoryFiles): void {
    this.#why = undefined;
    for (const role of ROLE_NAMES) {
      const { expires } = parseTufFile(files[role], role).signed;
      this.#expires.set(role, expires);
      this.#gauge.set({ role }, instantMs(expires) / 1000);
    }
  }

  /** @throws {Fault} tuf/expired, tuf/no-repository, tuf/damaged */
  probe(): ProbeFacts {
    if (isFault(this.#why)) throw this.#why;
    if (this.#expires.size === 0) {
      throw new Fault('absent', 'tuf/no-repository', 'no trust root is published: hold the genesis ceremony');
    }
    for (const [role, expires] of this.#expires) {
      if (instantMs(expires) <= this.#clock.nowMs()) {
        throw new Fault('refused', 'tuf/expired', `the ${role} role of the trust root expired at ${expires}`);
      }
    }
    return Object.fromEntries(this.#expires);
  }
}
