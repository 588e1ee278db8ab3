/**
 * A person signs in with e-mail address and password.
 *
 *   1. count   the attempt, as a failure until shown otherwise; or say how long to wait
 *   2. judge   the password; for an address without an account a hash that nothing matches, so that both take as long
 *   3. state   a disabled account says so, but only to somebody who knows its password
 *   4. strike  the count out again
 *
 * Passport stands between the form and this story, as it does for every way to sign in.
 */
import { randomBytes } from 'node:crypto';
import passport from 'passport';
import { Strategy as LocalStrategy } from 'passport-local';
import { hashPassword, passwordMatches } from '#core/crypto';
import { isFault } from '#core/fault';
import type { Metrics } from '#platform';
import type { Accounts } from './accounts.js';
import type { SignInFailures } from './sign-in-failures.js';
import { Turns } from './turns.js';

export type SignInOutcome =
  | { readonly kind: 'signed-in'; readonly accountId: string; readonly email: string }
  | { readonly kind: 'refused' }
  | { readonly kind: 'disabled' }
  | { readonly kind: 'wait'; readonly ms: number };

export interface Credentials {
  readonly email: string;
  readonly password: string;
  /** Network address of whoever tries. */
  readonly address: string;
}

export class SignIn {
  readonly #accounts: Accounts;
  readonly #failures: SignInFailures;
  readonly #turns = new Turns(2, 32);
  readonly #passport = new passport.Passport();
  readonly #count: (outcome: string) => void;
  #nobody: Promise<string> | undefined;

  constructor(accounts: Accounts, failures: SignInFailures, metrics: Metrics) {
    this.#accounts = accounts;
    this.#failures = failures;
    const total = metrics.counter(
      'airseal_identity_sign_ins_total',
      'Attempts of people to sign in with a local account',
      ['outcome'],
    );
    this.#count = (outcome) => total.inc({ outcome });
    this.#passport.use(
      new LocalStrategy(
        { usernameField: 'email', passwordField: 'password', session: false, passReqToCallback: true },
        (request, email, password, done) => {
          const address = String(request.ip);
          void this.#tell({ email, password, address }, done);
        },
      ),
    );
  }

  /** @throws {Fault} identity/busy */
  execute(credentials: Credentials): Promise<SignInOutcome> {
    return new Promise((resolve, reject) => {
      const decided = (error: unknown, outcome?: unknown): void => {
        if (error !== null && error !== undefined) return reject(error as Error);
        // Passport refuses an empty field itself.
        return resolve(isOutcome(outcome) ? outcome : { kind: 'refused' });
      };
      const { address, ...body } = credentials;
      const attempt = this.#passport.authenticate('local', { session: false }, decided) as (
        request: object,
        response: object,
        next: (error?: unknown) => void,
      ) => void;
      attempt({ body, ip: address }, {}, decided);
    });
  }

  /** Passport takes callbacks. */
  async #tell(
    credentials: Credentials,
    done: (error: unknown, outcome?: SignInOutcome) => void,
  ): Promise<void> {
    let outcome: SignInOutcome;
    try {
      outcome = await this.#judge(credentials);
    } catch (error) {
      return done(error);
    }
    return done(null, outcome);
  }

  async #judge({ email, password, address }: Credentials): Promise<SignInOutcome> {
    const attempt = await this.#failures.begin(email, address);
    if (typeof attempt === 'number') {
      this.#count('blocked');
      return { kind: 'wait', ms: attempt };
    }
    const account = await this.#accounts.findByEmail(email.trim());
    const matches = await this.#turns.take(() => this.#matches(password, account?.passwordHash ?? null));
    if (account === undefined || !matches) {
      this.#count('refused');
      return { kind: 'refused' };
    }
    await this.#failures.succeed(attempt);
    if (account.disabledAt !== null) {
      this.#count('disabled');
      return { kind: 'disabled' };
    }
    await this.#accounts.signedIn(account.accountId);
    this.#count('signed-in');
    return { kind: 'signed-in', accountId: account.accountId, email: account.email };
  }

  async #matches(password: string, stored: string | null): Promise<boolean> {
    try {
      if (stored !== null) return await passwordMatches(password, stored);
    } catch (error) {
      // Kept under another profile: its person needs a new link, and a stranger need not know.
      if (!isFault(error) || error.code !== 'crypto/not-permitted') throw error;
    }
    await passwordMatches(password, await this.#hashOfNobody());
    return false;
  }

  #hashOfNobody(): Promise<string> {
    return (this.#nobody ??= hashPassword(randomBytes(32).toString('hex'), randomBytes(16)));
  }
}

function isOutcome(value: unknown): value is SignInOutcome {
  return typeof value === 'object' && value !== null && 'kind' in value;
}
