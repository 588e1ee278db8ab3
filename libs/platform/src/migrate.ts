/**
 * Brings the schema to the one this build knows, before any door opens.
 *
 *   1. lock     an advisory lock, so that of several replicas that start together one migrates
 *   2. compare  a migration in the database that this build does not know means a newer build was here:
 *               an older one refuses, since it could not know which rules it would break
 *   3. run      what is missing, each in a transaction of its own, as the owner role
 *   4. show     the runtime role may read which migrations ran, and nothing else of that table
 *
 * A capability exports `migrations` from its front door; a class is named `<What><13 digits>` (milliseconds
 * since 1970 when it was written), and TypeORM runs them in the order of these digits. Migrations are
 * never edited once released, and there is no way down: an older build needs a backup.
 */
import pg from 'pg';
import { Fault, isFault } from '#core/fault';
import {
  connectionOptions,
  dataSource,
  type Migration,
  MIGRATIONS_TABLE,
  RUNTIME_ROLE,
  unreachable,
} from './database.js';
import type { Logger } from './logging.js';
import type { DatabaseSettings } from './settings.js';

/** Any constant will do, as long as nobody else takes advisory locks with it: "airseal" in ASCII. */
const LOCK_KEY = 0x61697273_65616cn;

/** Returns the names of the migrations that it ran. */
export async function migrate(
  settings: DatabaseSettings,
  migrations: readonly Migration[],
  logger: Logger,
): Promise<readonly string[]> {
  checkNames(migrations);
  const lock = new pg.Client(connectionOptions(settings, 'owner'));
  lock.on('error', (err) => logger.warn({ err }, 'the connection that holds the migration lock was lost'));
  try {
    await lock.connect();
    await lock.query('SELECT pg_advisory_lock($1)', [LOCK_KEY.toString()]);
    await refuseNewer(lock, migrations);
    const owner = dataSource(settings, 'owner', { migrations });
    await owner.initialize();
    try {
      const ran = await owner.runMigrations({ transaction: 'each' });
      await lock.query(`GRANT SELECT ON "${MIGRATIONS_TABLE}" TO "${RUNTIME_ROLE}"`);
      for (const one of ran) logger.info({ migration: one.name }, 'migrated');
      return ran.map((one) => one.name);
    } finally {
      await owner.destroy();
    }
  } catch (error) {
    throw isFault(error) ? error : unreachable(settings, error);
  } finally {
    await lock.end().catch(() => undefined);
  }
}

/**
 * For settings without an owner role: the schema must be exactly the one this build knows.
 *
 * @throws {Fault} database/newer-schema, database/older-schema
 */
export async function checkSchema(
  settings: DatabaseSettings,
  migrations: readonly Migration[],
): Promise<void> {
  const client = new pg.Client(connectionOptions(settings, 'runtime'));
  client.on('error', () => undefined);
  try {
    await client.connect();
    const applied = await refuseNewer(client, migrations);
    const missing = migrations.map(nameOf).filter((name) => !applied.has(name));
    if (missing.length > 0) {
      throw new Fault(
        'refused',
        'database/older-schema',
        `the database lacks ${missing.length} migrations of this build; run it once with --migrate and settings that name ownerUser`,
        { detail: { first: missing[0] ?? '' } },
      );
    }
  } catch (error) {
    throw isFault(error) ? error : unreachable(settings, error);
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function refuseNewer(
  client: pg.Client,
  migrations: readonly Migration[],
): Promise<ReadonlySet<string>> {
  const table = await client.query<{ there: boolean }>('SELECT to_regclass($1) IS NOT NULL AS there', [
    MIGRATIONS_TABLE,
  ]);
  if (table.rows[0]?.there !== true) return new Set();
  const rows = await client.query<{ name: string }>(`SELECT name FROM "${MIGRATIONS_TABLE}"`);
  const known = new Set(migrations.map(nameOf));
  const foreign = rows.rows.map((row) => row.name).filter((name) => !known.has(name));
  if (foreign.length > 0) {
    throw new Fault(
      'refused',
      'database/newer-schema',
      `the database was migrated by a newer build (${foreign[0] ?? ''}); start that build, or restore a backup from before it`,
      { detail: { unknown: foreign.length } },
    );
  }
  return new Set(rows.rows.map((row) => row.name));
}

function nameOf(migration: Migration): string {
  return migration.name;
}

function checkNames(migrations: readonly Migration[]): void {
  const seen = new Set<string>();
  for (const migration of migrations) {
    const stamp = /\D(\d{13})$/.exec(migration.name)?.[1];
    if (stamp === undefined) throw new Error(`migration ${migration.name} must end in 13 digits`);
    if (seen.has(migration.name)) throw new Error(`two migrations are called ${migration.name}`);
    seen.add(migration.name);
  }
}
