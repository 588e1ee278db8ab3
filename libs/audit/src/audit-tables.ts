/**
 * The outbox of the audit trail, and the boundary checkpoints of every tree.
 *
 * The running role can add events and boundaries and never change one. An event leaves the outbox only when it stands
 * in the audit tree: the database looks for itself before it lets the row go.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { RUNTIME_ROLE } from '#platform';

export const AUDIT_TREE = 'audit/1';

const TABLES = `
CREATE TABLE audit_outbox (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  uid uuid NOT NULL UNIQUE,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  body bytea NOT NULL CHECK (octet_length(body) BETWEEN 1 AND 65535)
);
CREATE TABLE audit_fact (
  name text PRIMARY KEY,
  value text NOT NULL
);
CREATE TABLE boundary_due (
  shard int NOT NULL REFERENCES log_shard,
  due_ms bigint NOT NULL,
  reason text,
  PRIMARY KEY (shard, due_ms)
);
CREATE TABLE boundary_checkpoint (
  shard int NOT NULL REFERENCES log_shard,
  due_ms bigint NOT NULL,
  kinds text[] NOT NULL,
  made_ms bigint NOT NULL CHECK (made_ms >= due_ms),
  size bigint NOT NULL CHECK (size >= 0),
  root bytea NOT NULL CHECK (octet_length(root) = 32),
  note text NOT NULL,
  token bytea NOT NULL,
  PRIMARY KEY (shard, due_ms)
);
CREATE TABLE boundary_gap (
  shard int NOT NULL,
  first_ms bigint NOT NULL,
  last_ms bigint NOT NULL CHECK (last_ms >= first_ms),
  reason text NOT NULL,
  closed_by_ms bigint NOT NULL CHECK (closed_by_ms > last_ms),
  PRIMARY KEY (shard, first_ms),
  FOREIGN KEY (shard, closed_by_ms) REFERENCES boundary_checkpoint (shard, due_ms)
);
CREATE TABLE audit_anchor (
  due_ms bigint PRIMARY KEY,
  size bigint NOT NULL,
  root bytea NOT NULL CHECK (octet_length(root) = 32),
  request bytea NOT NULL
);
CREATE TABLE audit_anchor_place (
  due_ms bigint PRIMARY KEY REFERENCES audit_anchor,
  log_index bigint NOT NULL,
  entry_id text NOT NULL
);
`;

const TRIGGERS = `
CREATE FUNCTION audit_event_leaves_into_the_tree() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM log_shard s JOIN log_dedup d ON d.shard = s.id
                  WHERE s.name = '${AUDIT_TREE}' AND d.key = sha256('\\x00'::bytea || OLD.body)) THEN
    RAISE EXCEPTION 'an event leaves the outbox only into the audit tree'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN OLD;
END $$;
CREATE TRIGGER audit_event_leaves_into_the_tree BEFORE DELETE ON audit_outbox
  FOR EACH ROW EXECUTE FUNCTION audit_event_leaves_into_the_tree();
`;

export class AuditTables1795300000000 implements MigrationInterface {
  readonly name = 'AuditTables1795300000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLES);
    await runner.query(TRIGGERS);
    await runner.query(`
      GRANT SELECT, INSERT, DELETE ON audit_outbox TO ${RUNTIME_ROLE};
      GRANT SELECT, INSERT, UPDATE ON audit_fact TO ${RUNTIME_ROLE};
      GRANT SELECT, INSERT, DELETE ON boundary_due TO ${RUNTIME_ROLE};
      GRANT UPDATE (reason) ON boundary_due TO ${RUNTIME_ROLE};
      GRANT SELECT, INSERT ON boundary_checkpoint, boundary_gap, audit_anchor, audit_anchor_place TO ${RUNTIME_ROLE};
    `);
  }

  /** What was audited stays audited: restoring a backup is the only way to an older schema. */
  down(): Promise<void> {
    return Promise.reject(new Error('the audit trail cannot be dropped by a migration'));
  }
}
