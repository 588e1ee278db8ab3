/**
 * The tables of every append-only log, and the rules the database itself enforces.
 *
 * The application is not trusted to be correct: the running role may insert leaves and never change or delete
 * one; a tile row only grows, and its old bytes stay its first bytes; a head never shrinks; a checkpoint never
 * contradicts another one. A defect above this line is an error message, not a fork.
 *
 * Partitions: leaves by index, so that old ranges can move to slow disks one day; deduplication keys by hash,
 * because a unique index over a range-partitioned table could not be global. The running role cannot create
 * partitions; the default partition takes what lies beyond the last one.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { RUNTIME_ROLE } from '#platform';

/** 65,536 full tiles. */
const LEAVES_PER_PARTITION = 1n << 24n;
const LEAF_PARTITIONS = 16n;
const DEDUP_PARTITIONS = 8;

const TABLES = `
CREATE TABLE log_shard (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9-]+(/[a-z0-9-]+)*$'),
  tree_id bigint UNIQUE CHECK (tree_id > 0),
  origin text NOT NULL UNIQUE,
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'draining', 'frozen')),
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE log_head (
  shard int PRIMARY KEY REFERENCES log_shard,
  size bigint NOT NULL CHECK (size >= 0),
  root bytea NOT NULL CHECK (octet_length(root) = 32),
  epoch bigint NOT NULL DEFAULT 0,
  stamped_ms bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10);
CREATE TABLE log_leaf (
  shard int NOT NULL,
  idx bigint NOT NULL CHECK (idx >= 0),
  leaf_hash bytea NOT NULL CHECK (octet_length(leaf_hash) = 32),
  kind text NOT NULL,
  stamped_ms bigint NOT NULL,
  body bytea NOT NULL,
  extra bytea,
  PRIMARY KEY (shard, idx)
) PARTITION BY RANGE (idx);
ALTER TABLE log_leaf ALTER COLUMN body SET STORAGE EXTERNAL, ALTER COLUMN extra SET STORAGE EXTERNAL;
CREATE TABLE log_dedup (
  shard int NOT NULL,
  key bytea NOT NULL CHECK (octet_length(key) = 32),
  idx bigint NOT NULL,
  PRIMARY KEY (key, shard)
) PARTITION BY HASH (key);
CREATE TABLE log_tile (
  shard int NOT NULL,
  level smallint NOT NULL CHECK (level BETWEEN 0 AND 7),
  n bigint NOT NULL CHECK (n >= 0),
  width smallint NOT NULL CHECK (width BETWEEN 1 AND 256),
  data bytea NOT NULL CHECK (octet_length(data) = 32 * width),
  PRIMARY KEY (shard, level, n)
);
ALTER TABLE log_tile ALTER COLUMN data SET STORAGE EXTERNAL;
CREATE TABLE log_checkpoint (
  shard int NOT NULL REFERENCES log_shard,
  size bigint NOT NULL,
  signed_ms bigint NOT NULL,
  root bytea NOT NULL CHECK (octet_length(root) = 32),
  note text NOT NULL,
  PRIMARY KEY (shard, size, signed_ms)
);
CREATE TABLE log_index (
  key_hash bytea NOT NULL CHECK (octet_length(key_hash) = 16),
  shard int NOT NULL,
  idx bigint NOT NULL,
  PRIMARY KEY (key_hash, shard, idx)
);
CREATE TABLE log_set (
  shard int NOT NULL,
  idx bigint NOT NULL,
  signature bytea NOT NULL,
  PRIMARY KEY (shard, idx)
);
CREATE TABLE log_undelivered (
  shard int NOT NULL,
  leaf_hash bytea NOT NULL CHECK (octet_length(leaf_hash) = 32),
  noted_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (shard, leaf_hash)
);
`;

function partitions(): string {
  const statements: string[] = [];
  for (let part = 0n; part < LEAF_PARTITIONS; part++) {
    const [from, to] = [part * LEAVES_PER_PARTITION, (part + 1n) * LEAVES_PER_PARTITION];
    statements.push(
      `CREATE TABLE log_leaf_${part} PARTITION OF log_leaf FOR VALUES FROM (${from}) TO (${to});`,
    );
  }
  statements.push('CREATE TABLE log_leaf_rest PARTITION OF log_leaf DEFAULT;');
  for (let part = 0; part < DEDUP_PARTITIONS; part++) {
    statements.push(
      `CREATE TABLE log_dedup_${part} PARTITION OF log_dedup
         FOR VALUES WITH (MODULUS ${DEDUP_PARTITIONS}, REMAINDER ${part});`,
    );
  }
  return statements.join('\n');
}

const TRIGGERS = `
CREATE FUNCTION log_tile_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.shard <> OLD.shard OR NEW.level <> OLD.level OR NEW.n <> OLD.n THEN
    RAISE EXCEPTION 'a tile keeps its place' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF OLD.width = 256 THEN
    RAISE EXCEPTION 'a full tile never changes' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NEW.width < OLD.width THEN
    RAISE EXCEPTION 'a tile never shrinks' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF substring(NEW.data FROM 1 FOR octet_length(OLD.data)) <> OLD.data THEN
    RAISE EXCEPTION 'the hashes a tile already holds never change' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER log_tile_only_grows BEFORE UPDATE ON log_tile
  FOR EACH ROW EXECUTE FUNCTION log_tile_only_grows();

CREATE FUNCTION log_head_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.shard <> OLD.shard OR NEW.size < OLD.size OR (NEW.size = OLD.size AND NEW.root <> OLD.root) THEN
    RAISE EXCEPTION 'the head of a log never goes back' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF EXISTS (SELECT 1 FROM log_shard WHERE id = NEW.shard AND state = 'frozen') AND NEW.size > OLD.size THEN
    RAISE EXCEPTION 'a frozen log never grows' USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER log_head_only_grows BEFORE UPDATE ON log_head
  FOR EACH ROW EXECUTE FUNCTION log_head_only_grows();

CREATE FUNCTION log_leaf_never_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a leaf is for ever' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER log_leaf_never_changes BEFORE UPDATE OR DELETE ON log_leaf
  FOR EACH ROW EXECUTE FUNCTION log_leaf_never_changes();

-- Two replicas may sign at once; the lock makes one of them see the other. An older head that arrives late is
-- skipped in silence (a newer one that continues it is out already); a second root for one size is not.
CREATE FUNCTION log_checkpoint_never_forks() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  newest log_checkpoint%ROWTYPE;
  head log_head%ROWTYPE;
BEGIN
  PERFORM pg_advisory_xact_lock(1279870800, NEW.shard);
  SELECT * INTO head FROM log_head WHERE shard = NEW.shard;
  IF NEW.size > head.size OR (NEW.size = head.size AND NEW.root <> head.root) THEN
    RAISE EXCEPTION 'a checkpoint covers only what is committed' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  SELECT * INTO newest FROM log_checkpoint WHERE shard = NEW.shard ORDER BY size DESC, signed_ms DESC LIMIT 1;
  IF NOT FOUND THEN
    RETURN NEW;
  END IF;
  IF NEW.size < newest.size THEN
    RETURN NULL;
  END IF;
  IF NEW.size = newest.size AND NEW.root <> newest.root THEN
    RAISE EXCEPTION 'two roots for one size' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER log_checkpoint_never_forks BEFORE INSERT ON log_checkpoint
  FOR EACH ROW EXECUTE FUNCTION log_checkpoint_never_forks();
`;

/** What the running role may do: nothing here lets it rewrite history. */
function grants(role: string): string {
  return `
    GRANT SELECT, INSERT ON log_shard, log_leaf, log_dedup, log_checkpoint, log_index, log_set TO ${role};
    GRANT UPDATE (state) ON log_shard TO ${role};
    GRANT SELECT, INSERT, UPDATE ON log_head, log_tile TO ${role};
    GRANT SELECT, INSERT, DELETE ON log_undelivered TO ${role};
  `;
}

export class LogTables1732200100000 implements MigrationInterface {
  readonly name = 'LogTables1732200100000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLES);
    await runner.query(partitions());
    await runner.query(TRIGGERS);
    await runner.query(grants(RUNTIME_ROLE));
  }

  /** A log is not taken back: restoring a backup is the only way to an older schema. */
  down(): Promise<void> {
    return Promise.reject(new Error('the tables of the logs cannot be dropped by a migration'));
  }
}
