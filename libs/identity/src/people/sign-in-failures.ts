/**
 * Who has to wait before trying again.
 *
 * An attempt is counted as failed before it is judged, and struck out if it succeeds: many attempts at once therefore
 * get no more guesses than one after the other, on any replica, and a crash can only count too many. Two things are
 * counted: the e-mail address that was tried (five free guesses, then a wait that doubles from half a minute
 * to an hour) and the network address that tried (which many people may share, so it gets more).
 */
import type pg from 'pg';
import { sha256 } from '#core/crypto';
import { fromUtf8, toHex } from '#core/octets';
import type { Clock } from '#platform';

interface Allowance {
  /** Attempts before the first wait. */
  readonly free: number;
  readonly firstWaitMs: number;
  readonly longestWaitMs: number;
}

const BY_EMAIL: Allowance = { free: 5, firstWaitMs: 30_000, longestWaitMs: 3_600_000 };
const BY_ADDRESS: Allowance = { free: 50, firstWaitMs: 60_000, longestWaitMs: 600_000 };
/** After as long without a failure the count starts again. */
const FORGOTTEN_AFTER_MS = 86_400_000;

/** A count that is under way; `null` when there was no room for another attempt. */
export interface Attempt {
  readonly email: string;
  readonly address: string;
}

/** Hashed, so that the table is no list of addresses that people mistyped. */
function emailSubject(email: string): string {
  return `email:${toHex(sha256(fromUtf8(email.trim().toLowerCase())))}`;
}

function addressSubject(address: string): string {
  return `address:${address}`;
}

export class SignInFailures {
  readonly #pool: pg.Pool;
  readonly #clock: Clock;

  constructor(pool: pg.Pool, clock: Clock) {
    this.#pool = pool;
    this.#clock = clock;
  }

  /** Counts an attempt; a number is how many milliseconds to wait instead. */
  async begin(email: string, address: string): Promise<Attempt | number> {
    const byAddress = await this.#count(addressSubject(address), BY_ADDRESS);
    if (byAddress > 0) return byAddress;
    const byEmail = await this.#count(emailSubject(email), BY_EMAIL);
    return byEmail > 0 ? byEmail : { email, address };
  }

  /** Takes back what `begin` counted: the attempt was good. */
  async succeed({ email, address }: Attempt): Promise<void> {
    await this.#forget(emailSubject(email));
    await this.#pool.query(
      'UPDATE oidc_sign_in_failure SET failures = greatest(failures - 1, 0) WHERE subject = $1',
      [addressSubject(address)],
    );
  }

  /** Counts a wrong guess of anything else, such as a device code; how long to wait before the next. */
  async guessed(address: string): Promise<void> {
    await this.#count(addressSubject(address), BY_ADDRESS);
  }

  /** How long `address` has to wait before it may try anything. */
  async addressWaitMs(address: string): Promise<number> {
    return this.#waitMs(addressSubject(address));
  }

  async accountBlockedUntil(email: string): Promise<Date | null> {
    const waitMs = await this.#waitMs(emailSubject(email));
    return waitMs > 0 ? new Date(this.#clock.nowMs() + waitMs) : null;
  }

  async forgetAccount(email: string): Promise<void> {
    await this.#forget(emailSubject(email));
  }

  /** Removes counts that have no effect any more; how many. */
  async sweep(): Promise<number> {
    const { rowCount } = await this.#pool.query('DELETE FROM oidc_sign_in_failure WHERE last_at < $1', [
      new Date(this.#clock.nowMs() - FORGOTTEN_AFTER_MS),
    ]);
    return rowCount ?? 0;
  }

  async #forget(subject: string): Promise<void> {
    await this.#pool.query('DELETE FROM oidc_sign_in_failure WHERE subject = $1', [subject]);
  }

  async #waitMs(subject: string): Promise<number> {
    const { rows } = await this.#pool.query<{ blocked_until: Date }>(
      'SELECT blocked_until FROM oidc_sign_in_failure WHERE subject = $1',
      [subject],
    );
    return Math.max(0, (rows[0]?.blocked_until.getTime() ?? 0) - this.#clock.nowMs());
  }

  /** One statement: whoever comes while `subject` is blocked changes nothing and learns the wait. */
  async #count(subject: string, { free, firstWaitMs, longestWaitMs }: Allowance): Promise<number> {
    const now = new Date(this.#clock.nowMs());
    const { rowCount } = await this.#pool.query(
      `INSERT INTO oidc_sign_in_failure AS held (subject, failures, blocked_until, last_at) VALUES ($1, 1, $2, $2)
       ON CONFLICT (subject) DO UPDATE SET
         failures = CASE WHEN held.last_at < $3 THEN 1 ELSE held.failures + 1 END,
         last_at = $2,
         blocked_until = CASE WHEN held.last_at < $3 OR held.failures + 1 < $4 THEN $2
           ELSE $2::timestamptz + make_interval(secs =>
             least($6::float8, $5::float8 * 2 ^ least(held.failures + 1 - $4, 20)) / 1000) END
       WHERE held.blocked_until <= $2`,
      [subject, now, new Date(now.getTime() - FORGOTTEN_AFTER_MS), free, firstWaitMs, longestWaitMs],
    );
    return rowCount === 1 ? 0 : Math.max(1, await this.#waitMs(subject));
  }
}
