import type { MigrationInterface, QueryRunner } from 'typeorm';
import { RUNTIME_ROLE } from '#platform';

/** Signed versions are added and never changed: a number that was signed stays signed. */
export class TufSignedVersion1763700000000 implements MigrationInterface {
  readonly name = 'TufSignedVersion1763700000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE tuf_signed_version (
        role        text        NOT NULL CHECK (role IN ('snapshot', 'timestamp')),
        version     integer     NOT NULL CHECK (version > 0),
        expires_at  timestamptz NOT NULL,
        recorded_at timestamptz NOT NULL DEFAULT now(),
        body        bytea       NOT NULL,
        PRIMARY KEY (role, version)
      )`);
    await runner.query(`GRANT SELECT, INSERT ON tuf_signed_version TO "${RUNTIME_ROLE}"`);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('there is no way down: restore a backup'));
  }
}
