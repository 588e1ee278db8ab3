/**
 * A private PostgreSQL: one cluster in a directory of ours, on a Unix socket, no TCP, two roles.
 *
 * `airseal_owner` owns the schema and runs migrations; `airseal_app` is what the appliance runs as and holds
 * only what migrations grant it. Both are reached by peer authentication through one map: whoever runs this
 * installation is both, and nobody else on the machine is either.
 *
 * PostgreSQL refuses to run as root. Under root it runs as `postgres`, with one capability kept
 * (dac_override), because the state directory may stand below a home that user cannot walk into.
 */
import { chownSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { assertAlive, runningDaemon, startDaemon, stopDaemon } from './daemons.mjs';
import { attempt, Halt, run, until } from './command.mjs';
import { ensureDirectory, removeTree, writeWhole } from './files.mjs';
import { onPath, postgresBinaries, programEnvironment } from './programs.mjs';
import { renameSync } from 'node:fs';

export const ownerRole = 'airseal_owner';
export const runtimeRole = 'airseal_app';
export const postgresPort = 5432;

/**
 * @typedef {object} PostgresPlace
 * @property {string} directory holds the cluster in `data/`
 * @property {string} runtime short directory for the socket
 * @property {string} daemons where process records go
 * @property {string} logs
 * @property {boolean} [disposable] tests: skip fsync; a crash of the *machine* may lose it all
 * @property {Record<string, string>} [settings] tests: of the server, over ours
 * @property {Record<string, string>} [environment] tests: further variables of the server
 */

/** @returns {boolean} */
function isRoot() {
  return process.getuid?.() === 0;
}

/** @returns {{uid: number, gid: number}} of the system's `postgres` user */
function postgresUser() {
  const line = readFileSync('/etc/passwd', 'utf8').split('\n').find((text) => text.startsWith('postgres:'));
  if (line === undefined) throw new Halt('there is no user `postgres` to run the database as', 'apt-get install postgresql-common');
  const [, , uid, gid] = line.split(':');
  return { uid: Number(uid), gid: Number(gid) };
}

/** How a program of PostgreSQL is run as the user that owns the cluster. @param {string} name @param {readonly string[]} args */
export function asPostgres(name, args) {
  const binaries = postgresBinaries();
  if (binaries === undefined) throw new Halt('PostgreSQL is not installed', 'npm run up');
  const program = join(binaries, name);
  if (!isRoot()) return { program, args: [...args] };
  const setpriv = onPath('setpriv') ?? 'setpriv';
  return {
    program: setpriv,
    args: [
      ...['--reuid=postgres', '--regid=postgres', '--clear-groups'],
      ...['--inh-caps=-all,+dac_override', '--ambient-caps=+dac_override'],
      program,
      ...args,
    ],
  };
}

/** @returns {NodeJS.ProcessEnv} without PG* variables, which would redirect us to someone else's database */
export function postgresEnvironment() {
  const env = Object.fromEntries(Object.entries(programEnvironment()).filter(([name]) => !name.startsWith('PG')));
  return { ...env, LC_ALL: 'C.UTF-8' };
}

/**
 * Makes the cluster, unless it is there.
 *
 * @param {PostgresPlace} place
 * @returns {Promise<boolean>} whether it was made now
 */
export async function createCluster(place) {
  const data = join(place.directory, 'data');
  if (existsSync(join(data, 'PG_VERSION'))) return false;
  ensureDirectory(place.directory, isRoot() ? 0o711 : 0o700);
  const partial = join(place.directory, 'data.partial');
  removeTree(partial);
  mkdirSync(partial, { mode: 0o700 });
  if (isRoot()) {
    const { uid, gid } = postgresUser();
    chownSync(partial, uid, gid);
  }
  const { program, args } = asPostgres('initdb', [
    ...['--pgdata', partial, '--username=postgres', '--encoding=UTF8', '--locale=C.UTF-8'],
    ...['--auth=reject', '--data-checksums', ...(place.disposable === true ? ['--no-sync'] : [])],
  ]);
  await run(program, args, { cwd: '/', env: postgresEnvironment() });

  const owner = isRoot() ? postgresUser() : undefined;
  /** @param {string} name @param {string} content */
  const configure = (name, content) => {
    const path = join(partial, name);
    writeWhole(path, content, 0o600);
    if (owner !== undefined) chownSync(path, owner.uid, owner.gid);
  };
  configure('pg_hba.conf', 'local all all peer map=airseal\n');
  const me = userInfo().username;
  configure('pg_ident.conf', [...new Set(['postgres', ownerRole, runtimeRole])].map((role) => `airseal ${me} ${role}\n`).join(''));
  renameSync(partial, data);
  return true;
}

/**
 * Starts PostgreSQL, unless it runs, and makes sure the two roles exist.
 *
 * @param {PostgresPlace} place
 * @returns {Promise<boolean>} whether it was started now
 */
export async function startPostgres(place) {
  const data = join(place.directory, 'data');
  const log = join(place.logs, 'postgres.log');
  let record = runningDaemon(place.daemons, 'postgres');
  const started = record === undefined;
  if (record === undefined) {
    const { program, args } = asPostgres('postgres', [
      ...['-D', data, '-k', place.runtime, '-p', String(postgresPort)],
      ...['-c', 'listen_addresses=', '-c', 'unix_socket_permissions=0700', '-c', 'max_connections=200'],
      ...['-c', 'password_encryption=scram-sha-256', '-c', 'log_timezone=UTC', '-c', 'timezone=UTC'],
      // Ours is the log's truth: an answered write is a durable write.
      ...(place.disposable === true ? ['-c', 'fsync=off', '-c', 'full_page_writes=off'] : ['-c', 'synchronous_commit=on']),
      ...Object.entries(place.settings ?? {}).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ]);
    const env = { ...postgresEnvironment(), ...place.environment };
    record = startDaemon(place.daemons, 'postgres', { program, args, log, env });
  }
  const mine = record;
  await until('PostgreSQL', 60_000, async () => {
    assertAlive(mine, log);
    return (await attempt(psqlProgram(), psqlArguments(place, 'postgres'), { input: 'SELECT 1;', env: postgresEnvironment() })).code === 0;
  });
  return started;
}

/** @returns {string} */
function psqlProgram() {
  return join(postgresBinaries() ?? '', 'psql');
}

/** @param {PostgresPlace} place @param {string} database */
function psqlArguments(place, database) {
  return ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-h', place.runtime, '-p', String(postgresPort), '-U', 'postgres', '-d', database];
}

/**
 * Runs SQL as the cluster's superuser.
 *
 * @param {PostgresPlace} place
 * @param {string} database
 * @param {string} sql
 * @returns {Promise<string>}
 */
export async function sql(place, database, sql) {
  return (await run(psqlProgram(), psqlArguments(place, database), { input: sql, env: postgresEnvironment() })).trim();
}

/**
 * The two roles and a database, unless they are there.
 *
 * @param {PostgresPlace} place
 * @param {string} database
 * @param {string} [template]
 */
export async function createDatabase(place, database, template) {
  const from = template === undefined ? '' : ` TEMPLATE ${template}`;
  // \\gexec runs what the query answers: a statement, or nothing where the thing is there already.
  const roles = [ownerRole, runtimeRole].map(
    (role) =>
      `SELECT 'CREATE ROLE ${role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${role}')\\gexec\n`,
  );
  await sql(
    place,
    'postgres',
    `${roles.join('')}
     SELECT 'CREATE DATABASE ${database} OWNER ${ownerRole}${from}' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '${database}')\\gexec
     REVOKE ALL ON DATABASE ${database} FROM PUBLIC;
     GRANT CONNECT ON DATABASE ${database} TO ${runtimeRole};`,
  );
}

/** @param {PostgresPlace} place fast shutdown: sessions are ended, everything committed is kept */
export function stopPostgres(place) {
  return stopDaemon(place.daemons, 'postgres', 'SIGINT', 60_000);
}
