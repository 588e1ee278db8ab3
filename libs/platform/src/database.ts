/**
 * PostgreSQL as two roles see it.
 *
 * The runtime role serves: it may insert leaves and audit events and can neither change nor delete them.
 * The owner role migrates: it is used before the doors open, and never again. Migrations grant the runtime
 * role exactly what running needs (`RUNTIME_ROLE`).
 *
 * A Unix socket with peer authentication needs no password. On a network, TLS with the server's name
 * checked is required (the settings see to that), and a password file is read anew for each connection.
 */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import pg from 'pg';
import { DataSource, type EntitySchema, type MigrationInterface } from 'typeorm';
import { Fault } from '#core/fault';
import type { Logger } from './logging.js';
import { readSecret } from './secret.js';
import type { DatabaseSettings } from './settings.js';

/** The role that migrations grant to; the runtime login role is it, or a member of it. */
export const RUNTIME_ROLE = 'airseal_app';

export type Entity = EntitySchema | (new () => object);
export type Migration = new () => MigrationInterface;

export type DatabaseRole = 'runtime' | 'owner';

interface DatabaseTls {
  readonly ca: Buffer;
  /** The name or address that the server's certificate must carry. */
  readonly host: string;
  /** Names only: an address may not be sent as SNI (RFC 6066 §3). */
  readonly servername?: string;
  readonly minVersion: 'TLSv1.2';
  readonly cert?: Buffer;
  readonly key?: string;
}

function databaseTls(settings: DatabaseSettings): DatabaseTls | undefined {
  if (settings.tls === undefined) return undefined;
  return {
    ca: readFileSync(settings.tls.ca),
    host: settings.host,
    ...(isIP(settings.host) === 0 ? { servername: settings.host } : {}),
    minVersion: 'TLSv1.2',
    ...(settings.tls.certificate === undefined ? {} : { cert: readFileSync(settings.tls.certificate) }),
    ...(settings.tls.key === undefined ? {} : { key: readSecret(settings.tls.key) }),
  };
}

function login(
  settings: DatabaseSettings,
  role: DatabaseRole,
): { user: string; passwordFile: string | undefined } {
  if (role === 'runtime') return { user: settings.runtimeUser, passwordFile: settings.passwordFile };
  if (settings.ownerUser === undefined) {
    throw new Fault(
      'refused',
      'database/no-owner',
      'these settings name no ownerUser, so they cannot migrate the schema',
    );
  }
  return { user: settings.ownerUser, passwordFile: settings.ownerPasswordFile };
}

/**
 * A server that goes away without a word, its host cut off or another one promoted in its place, is noticed by the
 * probes that follow this much silence: by default the kernel waits for two hours, and with it whoever asked.
 */
const SILENCE_MS = 10_000;

/** Options for one more connection of `role`; `pg.Client` and `pg.Pool` take them. */
export function connectionOptions(settings: DatabaseSettings, role: DatabaseRole): pg.ClientConfig {
  const { user, passwordFile } = login(settings, role);
  const ssl = databaseTls(settings);
  return {
    host: settings.host,
    port: settings.port,
    database: settings.name,
    user,
    application_name: `airseal ${role}`,
    connectionTimeoutMillis: 5000,
    keepAlive: true,
    keepAliveInitialDelayMillis: SILENCE_MS,
    ...(passwordFile === undefined ? {} : { password: () => readSecret(passwordFile) }),
    ...(ssl === undefined ? {} : { ssl }),
  };
}

/**
 * The runtime role's pool, for the log's hot path and everything that is not an entity.
 *
 * @param mostIdleMs after which PostgreSQL ends a transaction that its owner does not go on with. A host that stands
 *   still, or is gone without a word, must not hold the head of a log against all other replicas
 */
export function openPool(settings: DatabaseSettings, logger: Logger, mostIdleMs?: number): pg.Pool {
  const pool = new pg.Pool({
    ...connectionOptions(settings, 'runtime'),
    max: settings.connections,
    ...(mostIdleMs === undefined ? {} : { idle_in_transaction_session_timeout: mostIdleMs }),
  });
  // One that breaks in somebody's hands rejects what they ask for; without a listener it ends the process as well.
  pool.on('connect', (client) => client.on('error', () => undefined));
  // An idle connection that the server closes is replaced at the next query; without a listener it is fatal.
  pool.on('error', (err) => logger.warn({ err }, 'an idle database connection was lost'));
  sayWhenAway(pool);
  return pool;
}

/**
 * PostgreSQL away, starting, stopping or out of connections (SQLSTATE classes 08, 53 and 57P), or the socket to it
 * broken: nothing that a caller did, and over when it is back.
 */
export function isDatabaseAway(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const message = 'message' in error && typeof error.message === 'string' ? error.message : '';
  return (
    /^(?:08...|53...|57P0[0-5])$/.test(code) ||
    ['ECONNREFUSED', 'ECONNRESET', 'ENOENT', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EHOSTUNREACH'].includes(
      code,
    ) ||
    /^(?:Connection terminated|Client has encountered a connection error|timeout exceeded when trying to connect)/.test(
      message,
    )
  );
}

/** Whoever asks the pool for one statement is told to come back, not that we have a defect. */
function sayWhenAway(pool: pg.Pool): void {
  const query = pool.query.bind(pool) as (...values: unknown[]) => Promise<unknown>;
  // Only the form that answers with a promise is used here.
  pool.query = (async (...values: unknown[]): Promise<unknown> => {
    try {
      return await query(...values);
    } catch (cause) {
      if (!isDatabaseAway(cause)) throw cause;
      throw new Fault('unavailable', 'database/away', 'the database does not answer now; retry', {
        cause,
        retryAfterSeconds: 2,
      });
    }
  }) as typeof pool.query;
}

/** TypeORM over `role`, not yet connected. */
export function dataSource(
  settings: DatabaseSettings,
  role: DatabaseRole,
  parts: { readonly entities?: readonly Entity[]; readonly migrations?: readonly Migration[] },
): DataSource {
  const { user, passwordFile } = login(settings, role);
  const ssl = databaseTls(settings);
  return new DataSource({
    type: 'postgres',
    host: settings.host,
    port: settings.port,
    database: settings.name,
    username: user,
    applicationName: `airseal ${role} entities`,
    ...(passwordFile === undefined ? {} : { password: () => readSecret(passwordFile) }),
    ...(ssl === undefined ? {} : { ssl }),
    entities: [...(parts.entities ?? [])],
    migrations: [...(parts.migrations ?? [])],
    migrationsTableName: MIGRATIONS_TABLE,
    migrationsTransactionMode: 'each',
    synchronize: false,
    installExtensions: false,
    poolSize: role === 'owner' ? 2 : Math.max(2, Math.ceil(settings.connections / 2)),
    extra: { connectionTimeoutMillis: 5000, keepAlive: true, keepAliveInitialDelayMillis: SILENCE_MS },
  });
}

export const MIGRATIONS_TABLE = 'airseal_migrations';

/** An unreachable database, said so that the reader knows what to do. */
export function unreachable(settings: DatabaseSettings, cause: unknown): Fault {
  const reason = cause instanceof Error ? cause.message || cause.name : String(cause);
  return new Fault(
    'unavailable',
    'database/unreachable',
    `cannot work with the database ${settings.name} at ${settings.host}:${settings.port}: ${reason}`,
    { cause, retryAfterSeconds: 5 },
  );
}
