/**
 * What the agents of all hosts have counted, as last heard. Counts only grow, and a break in them stays; the running
 * role can neither take one back nor remove it.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { RUNTIME_ROLE } from '#platform';

const TABLES = `
CREATE TABLE key_use (
  counter text NOT NULL CHECK (counter ~ '^[0-9a-f]{16}$'),
  token text NOT NULL,
  key bytea NOT NULL CHECK (octet_length(key) = 32),
  purpose text NOT NULL,
  label text NOT NULL,
  counted bigint NOT NULL,
  uncertain bigint NOT NULL,
  failed bigint NOT NULL,
  adrift bigint NOT NULL,
  since timestamptz NOT NULL,
  heard_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (counter, key, purpose)
);
CREATE TABLE key_use_break (
  counter text NOT NULL CHECK (counter ~ '^[0-9a-f]{16}$'),
  at timestamptz NOT NULL,
  reason text NOT NULL,
  PRIMARY KEY (counter, at, reason)
);
CREATE FUNCTION key_use_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.counter <> OLD.counter OR NEW.key <> OLD.key OR NEW.purpose <> OLD.purpose OR NEW.counted < OLD.counted THEN
    RAISE EXCEPTION 'a count of key uses only grows' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER key_use_only_grows BEFORE UPDATE ON key_use
  FOR EACH ROW EXECUTE FUNCTION key_use_only_grows();
`;

export class KeyUseTables1795420000000 implements MigrationInterface {
  readonly name = 'KeyUseTables1795420000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLES);
    await runner.query(`
      GRANT SELECT, INSERT ON key_use, key_use_break TO ${RUNTIME_ROLE};
      GRANT UPDATE (label, counted, uncertain, failed, adrift, heard_at) ON key_use TO ${RUNTIME_ROLE};
    `);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('what was counted cannot be dropped by a migration'));
  }
}
