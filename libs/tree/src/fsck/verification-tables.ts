/**
 * How far the slow check of each tree has come, and what it found.
 *
 * The running role may note a fault and never take one away: a fault is over when a later pass has been over its place
 * and has not seen it.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { RUNTIME_ROLE } from '#platform';

const TABLES = `
CREATE TABLE log_verification (
  shard int PRIMARY KEY REFERENCES log_shard,
  pass bigint NOT NULL DEFAULT 0 CHECK (pass >= 0),
  running boolean NOT NULL DEFAULT false,
  started_ms bigint NOT NULL DEFAULT 0,
  next_idx bigint NOT NULL DEFAULT 0 CHECK (next_idx >= 0),
  frontier bytea NOT NULL DEFAULT '' CHECK (octet_length(frontier) % 32 = 0),
  last_stamp_ms bigint,
  until_size bigint NOT NULL DEFAULT 0,
  until_root bytea CHECK (octet_length(until_root) = 32),
  full_passes bigint NOT NULL DEFAULT 0,
  full_pass bigint NOT NULL DEFAULT 0,
  full_started_ms bigint,
  full_ended_ms bigint,
  full_size bigint
);
CREATE TABLE log_fault (
  shard int NOT NULL REFERENCES log_shard,
  place text NOT NULL,
  what text NOT NULL,
  expected text NOT NULL,
  found text NOT NULL,
  stops boolean NOT NULL,
  first_ms bigint NOT NULL,
  pass bigint NOT NULL,
  PRIMARY KEY (shard, place)
);
`;

export class LogVerification1795420000000 implements MigrationInterface {
  readonly name = 'LogVerification1795420000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLES);
    await runner.query(`
      GRANT SELECT, INSERT, UPDATE ON log_verification TO ${RUNTIME_ROLE};
      GRANT SELECT, INSERT ON log_fault TO ${RUNTIME_ROLE};
      GRANT UPDATE (pass, stops) ON log_fault TO ${RUNTIME_ROLE};
    `);
  }

  /** What was found stays found: restoring a backup is the only way to an older schema. */
  down(): Promise<void> {
    return Promise.reject(new Error('the faults of the logs cannot be dropped by a migration'));
  }
}
