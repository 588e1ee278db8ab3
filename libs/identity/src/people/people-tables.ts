/**
 * People with local accounts, and how often somebody failed to sign in.
 *
 * Of a password and of a link to set one only hashes are kept. Failures are kept apart from accounts, under
 * hashes of whatever e-mail address was tried, so that an address without an account is slowed down like any other
 * and the answers tell nobody which addresses have one.
 */
import { EntitySchema, type MigrationInterface, type QueryRunner } from 'typeorm';
import { RUNTIME_ROLE } from '#platform';

export interface AccountRow {
  /** `sub` in tokens and in certificates' proofs; never used again for anybody else. */
  accountId: string;
  email: string;
  /** Null until the person has chosen one. */
  passwordHash: string | null;
  /** SHA-256 of the token in the link that sets a password; null when none is out. */
  setTokenSha256: string | null;
  setTokenExpiresAt: Date | null;
  createdAt: Date;
  lastSignInAt: Date | null;
  disabledAt: Date | null;
  removedAt: Date | null;
}

export const AccountEntity = new EntitySchema<AccountRow>({
  name: 'OidcAccount',
  tableName: 'oidc_account',
  columns: {
    accountId: { name: 'account_id', type: 'text', primary: true },
    email: { type: 'text' },
    passwordHash: { name: 'password_hash', type: 'text', nullable: true },
    setTokenSha256: { name: 'set_token_sha256', type: 'text', nullable: true },
    setTokenExpiresAt: { name: 'set_token_expires_at', type: 'timestamptz', nullable: true },
    createdAt: { name: 'created_at', type: 'timestamptz' },
    lastSignInAt: { name: 'last_sign_in_at', type: 'timestamptz', nullable: true },
    disabledAt: { name: 'disabled_at', type: 'timestamptz', nullable: true },
    removedAt: { name: 'removed_at', type: 'timestamptz', nullable: true },
  },
});

export class IdentityPeople1795305600000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE oidc_account (
        account_id           text PRIMARY KEY,
        email                text NOT NULL,
        password_hash        text,
        set_token_sha256     text,
        set_token_expires_at timestamptz,
        created_at           timestamptz NOT NULL,
        last_sign_in_at      timestamptz,
        disabled_at          timestamptz,
        removed_at           timestamptz,
        CHECK ((set_token_sha256 IS NULL) = (set_token_expires_at IS NULL))
      )`);
    // An address may get an account again after one was removed; an account id is never used again.
    await runner.query(
      `CREATE UNIQUE INDEX oidc_account_email ON oidc_account (lower(email)) WHERE removed_at IS NULL`,
    );
    await runner.query(
      `CREATE UNIQUE INDEX oidc_account_set_token ON oidc_account (set_token_sha256) WHERE set_token_sha256 IS NOT NULL`,
    );
    await runner.query(`
      CREATE TABLE oidc_sign_in_failure (
        subject       text PRIMARY KEY,
        failures      integer NOT NULL,
        blocked_until timestamptz NOT NULL,
        last_at       timestamptz NOT NULL
      )`);
    await runner.query(`CREATE INDEX oidc_sign_in_failure_last ON oidc_sign_in_failure (last_at)`);
    await runner.query(`
      GRANT SELECT, INSERT, UPDATE (password_hash, set_token_sha256, set_token_expires_at, last_sign_in_at,
        disabled_at, removed_at) ON oidc_account TO ${RUNTIME_ROLE}`);
    await runner.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON oidc_sign_in_failure TO ${RUNTIME_ROLE}`);
  }

  async down(): Promise<void> {
    throw new Error('there is no way down: restore a backup');
  }
}
