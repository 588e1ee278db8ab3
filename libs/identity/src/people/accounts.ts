/**
 * Local accounts of the built-in issuer, for networks in which people have none elsewhere.
 *
 * Whoever administers makes an account and hands its link to the person; the person chooses the password, so nobody
 * else ever knows it. A link works once and for a day. Making a new one (`reset`) ends the old link, the old
 * password and any lock-out. Each change is in the audit trail, or has not happened.
 */
import { randomBytes } from 'node:crypto';
import { type DataSource, type EntityManager, IsNull, MoreThan, QueryFailedError, Raw } from 'typeorm';
import type { EventCode, RecordEvent } from '#audit';
import { hashPassword, sha256 } from '#core/crypto';
import { Fault } from '#core/fault';
import { fromUtf8, toBase64Url, toHex } from '#core/octets';
import type { Clock } from '#platform';
import { isEmailAddress } from '../email-address.js';
import { acceptPassword } from './accept-password.js';
import { AccountEntity, type AccountRow } from './people-tables.js';
import type { SignInFailures } from './sign-in-failures.js';

/** How long a link to set a password works. */
const LINK_MS = 86_400_000;

export interface Account {
  readonly accountId: string;
  readonly email: string;
  readonly state: 'active' | 'disabled' | 'no-password';
  readonly createdAt: Date;
  readonly lastSignInAt: Date | null;
  /** In the future while the account is locked after failures. */
  readonly lockedUntil: Date | null;
}

export interface SetPasswordLink {
  readonly accountId: string;
  readonly email: string;
  /** Shown here and never again; only its hash is kept. */
  readonly token: string;
  readonly expiresAt: Date;
}

function absent(email: string): Fault {
  return new Fault('absent', 'identity/account-absent', `there is no account for ${email}`);
}

function hashToken(token: string): string {
  return toHex(sha256(fromUtf8(token)));
}

/** Addresses differ in case only on paper; the spelling of the first stays. */
function sameAddress(email: string): ReturnType<typeof Raw> {
  return Raw((column) => `lower(${column}) = lower(:email)`, { email });
}

export class Accounts {
  readonly #source: DataSource;
  readonly #clock: Clock;
  readonly #failures: SignInFailures;
  readonly #audit: RecordEvent;

  constructor(source: DataSource, clock: Clock, failures: SignInFailures, audit: RecordEvent) {
    this.#source = source;
    this.#clock = clock;
    this.#failures = failures;
    this.#audit = audit;
  }

  /** @throws {Fault} identity/account, identity/account-exists */
  async create(email: string): Promise<SetPasswordLink> {
    if (!isEmailAddress(email)) {
      throw new Fault('malformed', 'identity/account', 'email: an e-mail address, such as alice@example.org');
    }
    const link = this.#newLink();
    const row: AccountRow = {
      accountId: `person-${randomBytes(8).toString('hex')}`,
      email,
      passwordHash: null,
      ...link.stored,
      createdAt: new Date(this.#clock.nowMs()),
      lastSignInAt: null,
      disabledAt: null,
      removedAt: null,
    };
    try {
      await this.#source.transaction(async (manager) => {
        await manager.insert(AccountEntity, row);
        await this.#record(manager, 'user.created', row);
      });
    } catch (cause) {
      if (cause instanceof QueryFailedError && (cause.driverError as { code?: string }).code === '23505') {
        throw new Fault('conflict', 'identity/account-exists', `there is an account for ${email} already`);
      }
      throw cause;
    }
    await this.#failures.forgetAccount(email);
    return { accountId: row.accountId, email, token: link.token, expiresAt: link.stored.setTokenExpiresAt };
  }

  async list(): Promise<readonly Account[]> {
    const rows = await this.#rows.find({ where: { removedAt: IsNull() }, order: { email: 'ASC' } });
    return Promise.all(
      rows.map(async ({ accountId, email, passwordHash, disabledAt, createdAt, lastSignInAt }) => ({
        accountId,
        email,
        state: disabledAt !== null ? 'disabled' : passwordHash === null ? 'no-password' : 'active',
        createdAt,
        lastSignInAt,
        lockedUntil: await this.#failures.accountBlockedUntil(email),
      })),
    );
  }

  /**
   * From this moment on the person gets no token, also not for a sign-in that is under way.
   *
   * @throws {Fault} identity/account-absent
   */
  async disable(email: string): Promise<void> {
    await this.#change(email, { disabledAt: new Date(this.#clock.nowMs()) }, 'user.disabled');
  }

  /** @throws {Fault} identity/account-absent */
  async enable(email: string): Promise<void> {
    await this.#change(email, { disabledAt: null }, 'user.enabled');
    await this.#failures.forgetAccount(email);
  }

  /** @throws {Fault} identity/account-absent */
  async reset(email: string): Promise<SetPasswordLink> {
    const link = this.#newLink();
    const row = await this.#change(email, { passwordHash: null, ...link.stored }, 'user.password.reset');
    await this.#failures.forgetAccount(email);
    return {
      accountId: row.accountId,
      email: row.email,
      token: link.token,
      expiresAt: link.stored.setTokenExpiresAt,
    };
  }

  /** @throws {Fault} identity/account-absent */
  async remove(email: string): Promise<void> {
    await this.#change(
      email,
      {
        removedAt: new Date(this.#clock.nowMs()),
        passwordHash: null,
        setTokenSha256: null,
        setTokenExpiresAt: null,
      },
      'user.deleted',
    );
  }

  /** Whose link `token` is, while it works. */
  async findByLink(token: string): Promise<AccountRow | undefined> {
    const row = await this.#rows.findOneBy({
      setTokenSha256: hashToken(token),
      setTokenExpiresAt: MoreThan(new Date(this.#clock.nowMs())),
      removedAt: IsNull(),
    });
    return row ?? undefined;
  }

  /**
   * Uses up the link.
   *
   * @throws {Fault} identity/password, identity/link-spent
   */
  async setPassword(token: string, password: string): Promise<void> {
    const spent = new Fault(
      'refused',
      'identity/link-spent',
      'This link has been used or has expired. Ask your administrator for a new one.',
    );
    const row = await this.findByLink(token);
    if (row === undefined) throw spent;
    acceptPassword(password, row.email);
    const passwordHash = await hashPassword(password, randomBytes(16));
    await this.#source.transaction(async (manager) => {
      // Of two who hold the link, one wins.
      const { affected } = await manager.update(
        AccountEntity,
        { accountId: row.accountId, setTokenSha256: hashToken(token), removedAt: IsNull() },
        { passwordHash, setTokenSha256: null, setTokenExpiresAt: null },
      );
      if (affected !== 1) throw spent;
      await this.#record(manager, 'user.password.set', row);
    });
  }

  async findByEmail(email: string): Promise<AccountRow | undefined> {
    return (await this.#rows.findOneBy({ email: sameAddress(email), removedAt: IsNull() })) ?? undefined;
  }

  /** An account that may have tokens now. */
  async findActive(accountId: string): Promise<AccountRow | undefined> {
    const row = await this.#rows.findOneBy({ accountId, removedAt: IsNull(), disabledAt: IsNull() });
    return row ?? undefined;
  }

  async signedIn(accountId: string): Promise<void> {
    await this.#rows.update({ accountId }, { lastSignInAt: new Date(this.#clock.nowMs()) });
  }

  get #rows() {
    return this.#source.getRepository(AccountEntity);
  }

  #newLink(): { token: string; stored: { setTokenSha256: string; setTokenExpiresAt: Date } } {
    const token = toBase64Url(randomBytes(32));
    const setTokenExpiresAt = new Date(this.#clock.nowMs() + LINK_MS);
    return { token, stored: { setTokenSha256: hashToken(token), setTokenExpiresAt } };
  }

  /** @throws {Fault} identity/account-absent */
  async #change(email: string, change: Partial<AccountRow>, code: EventCode): Promise<AccountRow> {
    return await this.#source.transaction(async (manager) => {
      const where = { email: sameAddress(email), removedAt: IsNull() };
      const row = await manager.findOne(AccountEntity, { where, lock: { mode: 'pessimistic_write' } });
      if (row === null) throw absent(email);
      await manager.update(AccountEntity, { accountId: row.accountId }, change);
      await this.#record(manager, code, row);
      return row;
    });
  }

  async #record(manager: EntityManager, code: EventCode, { accountId, email }: AccountRow): Promise<void> {
    await this.#audit.within(manager, { code, resource: { type: 'account', id: accountId, email } });
  }
}
