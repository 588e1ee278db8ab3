/**
 * What the built-in issuer keeps: who may ask for tokens, and the provider library's short-lived records
 * (replay detection, device codes, grants, sessions), each of which may vanish at its expiry.
 *
 * No table holds anything that lets a reader ask for a token: of a secret or a code only its SHA-256 is kept, and
 * issued tokens are not kept at all.
 */
import { EntitySchema, type MigrationInterface, type QueryRunner } from 'typeorm';
import { RUNTIME_ROLE } from '#platform';

export interface MachineRow {
  clientId: string;
  name: string;
  email: string;
  /** Lower-case hexadecimal SHA-256 of the secret; null for identities with a key. */
  secretSha256: string | null;
  publicJwk: Record<string, unknown> | null;
  createdAt: Date;
  revokedAt: Date | null;
}

export const MachineEntity = new EntitySchema<MachineRow>({
  name: 'OidcMachine',
  tableName: 'oidc_machine',
  columns: {
    clientId: { name: 'client_id', type: 'text', primary: true },
    name: { type: 'text' },
    email: { type: 'text' },
    secretSha256: { name: 'secret_sha256', type: 'text', nullable: true },
    publicJwk: { name: 'public_jwk', type: 'jsonb', nullable: true },
    createdAt: { name: 'created_at', type: 'timestamptz', createDate: true },
    revokedAt: { name: 'revoked_at', type: 'timestamptz', nullable: true },
  },
});

export class IdentityIssuer1763700000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE oidc_machine (
        client_id     text PRIMARY KEY,
        name          text NOT NULL,
        email         text NOT NULL,
        secret_sha256 text,
        public_jwk    jsonb,
        created_at    timestamptz NOT NULL DEFAULT now(),
        revoked_at    timestamptz,
        CHECK ((secret_sha256 IS NULL) <> (public_jwk IS NULL))
      )`);
    // A name may be used again after it was revoked; a client id (the subject in certificates) never is.
    await runner.query(
      `CREATE UNIQUE INDEX oidc_machine_name ON oidc_machine (name) WHERE revoked_at IS NULL`,
    );
    await runner.query(`
      CREATE TABLE oidc_record (
        model       text NOT NULL,
        id          text NOT NULL,
        payload     jsonb NOT NULL,
        grant_id    text,
        user_code   text,
        uid         text,
        consumed_at timestamptz,
        expires_at  timestamptz,
        PRIMARY KEY (model, id)
      )`);
    await runner.query(`CREATE INDEX oidc_record_grant ON oidc_record (grant_id) WHERE grant_id IS NOT NULL`);
    await runner.query(
      `CREATE INDEX oidc_record_user_code ON oidc_record (user_code) WHERE user_code IS NOT NULL`,
    );
    await runner.query(`CREATE INDEX oidc_record_uid ON oidc_record (uid) WHERE uid IS NOT NULL`);
    await runner.query(`CREATE INDEX oidc_record_expiry ON oidc_record (expires_at)`);
    await runner.query(`GRANT SELECT, INSERT, UPDATE (revoked_at) ON oidc_machine TO ${RUNTIME_ROLE}`);
    await runner.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON oidc_record TO ${RUNTIME_ROLE}`);
  }

  async down(): Promise<void> {
    throw new Error('there is no way down: restore a backup');
  }
}
