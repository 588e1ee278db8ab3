/**
 * What is kept beside leaves: octets that a leaf commits to and does not hold.
 *
 * One for each leaf at most, written with it or handed in later, and never changed by the running role; an index by
 * digest, because several leaves may be made of the same.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { RUNTIME_ROLE } from '#platform';

export class LogAttachments1795410000000 implements MigrationInterface {
  readonly name = 'LogAttachments1795410000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE log_attachment (
        shard int NOT NULL,
        idx bigint NOT NULL CHECK (idx >= 0),
        digest bytea NOT NULL CHECK (octet_length(digest) = 32),
        octets bytea NOT NULL,
        -- When it was handed in; empty where it came with the leaf.
        deposited_ms bigint,
        PRIMARY KEY (shard, idx)
      );
      ALTER TABLE log_attachment ALTER COLUMN octets SET STORAGE EXTERNAL;
      CREATE INDEX log_attachment_digest ON log_attachment (digest);
      CREATE TRIGGER log_attachment_never_changes BEFORE UPDATE ON log_attachment
        FOR EACH ROW EXECUTE FUNCTION log_leaf_never_changes();
      GRANT SELECT, INSERT ON log_attachment TO ${RUNTIME_ROLE};
    `);
  }

  /** Restoring a backup is the only way to an older schema. */
  down(): Promise<void> {
    return Promise.reject(new Error('what is kept beside the logs cannot be dropped by a migration'));
  }
}
