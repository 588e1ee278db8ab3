/**
 * What live tests stand on: a database, a token, a Redis, each real and each the test's own.
 *
 * Only specs run by `jest.live.config.mjs` (or the journeys) have it; its global setup started the engines.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createDatabase, sql } from '../../apps/bootstrap/src/postgres.mjs';
import { ensureToken } from '../../apps/bootstrap/src/softhsm.mjs';
import { kitPlace } from './engines.mjs';

/** A database with nothing in it, with the two roles of a real installation. */
export interface FreshDatabase {
  /** Directory of the Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly name: string;
  /** Role of the running appliance: holds only what migrations grant. */
  readonly runtimeUser: string;
  /** Role that owns the schema and runs migrations. */
  readonly ownerUser: string;
  /** Ends all sessions in it and removes it. */
  drop(): Promise<void>;
}

/** The shape of one entry of `hsm.tokens` in the settings. */
export interface TokenSettings {
  readonly module: string;
  readonly uri: string;
  readonly pinSource: string;
  readonly environment: Record<string, string>;
}

interface Description {
  readonly directory: string;
  readonly tokens: string;
  readonly database: {
    readonly host: string;
    readonly port: number;
    readonly ownerUser: string;
    readonly runtimeUser: string;
    readonly template: string;
  };
  readonly redis: { readonly socket: string };
}

/** Where this run keeps everything; its path is short. */
export function kitDirectory(): string {
  return description().directory;
}

function description(): Description {
  const path = process.env['AIRSEAL_KIT'];
  if (path === undefined) {
    throw new Error('no engines: run this spec through jest.live.config.mjs (npm test)');
  }
  return JSON.parse(readFileSync(path, 'utf8')) as Description;
}

/** Makes a database from the template; some tens of milliseconds. */
export async function freshDatabase(): Promise<FreshDatabase> {
  const { directory, database } = description();
  const place = kitPlace(directory);
  const name = `t_${randomBytes(6).toString('hex')}`;
  await createDatabase(place, name, database.template);
  return {
    host: database.host,
    port: database.port,
    name,
    runtimeUser: database.runtimeUser,
    ownerUser: database.ownerUser,
    async drop() {
      await sql(place, 'postgres', `DROP DATABASE IF EXISTS ${name} WITH (FORCE);`);
    },
  };
}

/** Runs SQL as the cluster's superuser: for what no role of ours may do, such as damaging a table. */
export function asSuperuser(database: FreshDatabase, statement: string): Promise<string> {
  return sql(kitPlace(description().directory), database.name, statement);
}

/**
 * Initialises a SoftHSM token with this label in a directory of its own.
 *
 * Give `environment` to the agent process, never to this one: SoftHSM reads it once, when it is loaded.
 */
export async function freshToken(label: string): Promise<TokenSettings> {
  const directory = join(description().tokens, randomBytes(6).toString('hex'));
  const { settings } = await ensureToken({
    directory,
    label,
    pin: join(directory, 'pin'),
    soPin: join(directory, 'so-pin'),
  });
  return settings;
}

/** The Unix socket of a Redis that all specs of this run share: prefix your queue names. */
export function redisSocket(): string {
  return description().redis.socket;
}
