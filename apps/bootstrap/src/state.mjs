/**
 * One state directory: what it is remembered by, the lock that keeps two `up` apart, the short directory of its
 * sockets, and the daemons that belong to it.
 */
import { chmodSync, existsSync, linkSync, lstatSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { startTimeOf } from './daemons.mjs';
import { Halt } from './command.mjs';
import { ensureDirectory, readJson, writeWhole } from './files.mjs';
import { repository, stateLayout } from './paths.mjs';

/**
 * @typedef {object} StateRecord
 * @property {'airseal/state/v1'} apiVersion
 * @property {string} createdAt
 * @property {number} port
 * @property {string} runtimeDir
 */
/** @typedef {{layout: import('./paths.mjs').StateLayout, record: StateRecord}} State */

export const defaultPort = 8443;

/** @param {string | undefined} given @returns {string} absolute */
export function stateRoot(given) {
  return resolve(process.env['INIT_CWD'] ?? process.cwd(), given ?? join(repository, '.airseal'));
}

/** @param {string} root @returns {State | undefined} undefined where there is no state of ours */
export function findState(root) {
  const layout = stateLayout(root);
  const record = readJson(layout.record);
  return record?.apiVersion === 'airseal/state/v1' ? { layout, record } : undefined;
}

/**
 * Finds or makes the state directory and its runtime directory.
 *
 * @param {string} root
 * @param {number | undefined} port as asked for
 * @returns {State}
 */
export function openState(root, port) {
  const layout = stateLayout(root);
  const found = findState(root);
  if (found === undefined) {
    if (existsSync(root) && readdirSync(root).some((name) => !name.startsWith('up.lock'))) {
      throw new Halt(`${root} exists and is not a state directory of Airseal`, 'name another with --state, or remove it');
    }
    ensureDirectory(root, process.getuid?.() === 0 ? 0o711 : 0o700);
  } else if (port !== undefined && port !== found.record.port) {
    throw new Halt(
      `this installation answers on port ${found.record.port}, and genesis wrote that into its certificates and logs`,
      `take another state directory (--state DIR --port ${port}), or \`npm run down\` and \`npm run reset -- --yes\` first`,
    );
  }
  const record = found?.record ?? {
    apiVersion: /** @type {const} */ ('airseal/state/v1'),
    createdAt: new Date().toISOString(),
    port: port ?? defaultPort,
    runtimeDir: '',
  };
  if (!isOurs(record.runtimeDir)) {
    record.runtimeDir = makeRuntimeDirectory();
    writeWhole(layout.record, `${JSON.stringify(record, null, 2)}\n`);
  }
  ensureDirectory(layout.logs, 0o700);
  ensureDirectory(layout.daemons, 0o700);
  ensureDirectory(layout.secrets, 0o700);
  ensureDirectory(layout.keepers, 0o700);
  return { layout, record };
}

/**
 * A Unix socket's path ends at 107 octets, and a state directory may be longer: sockets live elsewhere.
 * The mode lets PostgreSQL, another user when root runs this, walk in, and nobody list it.
 */
function makeRuntimeDirectory() {
  const parent = tmpdir().length <= 40 ? tmpdir() : '/tmp';
  const directory = mkdtempSync(join(parent, 'airseal-'));
  chmodSync(directory, process.getuid?.() === 0 ? 0o711 : 0o700);
  return directory;
}

/** What stands in /tmp under our name may be somebody else's by now. @param {string} directory */
export function isOurs(directory) {
  try {
    const found = lstatSync(directory);
    return found.isDirectory() && found.uid === process.getuid?.();
  } catch {
    return false;
  }
}

/**
 * Runs `work` while no other `up`, `down` or `reset` of this state directory runs.
 *
 * @template T
 * @param {string} root
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function exclusively(root, work) {
  const { lock } = stateLayout(root);
  ensureDirectory(root, process.getuid?.() === 0 ? 0o711 : 0o700);
  takeLock(root, lock);
  try {
    return await work();
  } finally {
    if (readJson(lock)?.pid === process.pid) rmSync(lock, { force: true });
  }
}

/**
 * A lock appears whole, with its holder in it, and only where there is none: two who come at the same instant are
 * kept apart by the link. That of a holder who is dead is moved aside first, which only one of them manages.
 *
 * @param {string} root
 * @param {string} lock
 */
function takeLock(root, lock) {
  const mine = `${lock}.${process.pid}`;
  writeWhole(mine, JSON.stringify({ pid: process.pid, startTime: startTimeOf(process.pid) }), 0o600);
  try {
    for (let attempts = 0; attempts < 10; attempts++) {
      if (succeeds(() => linkSync(mine, lock), 'EEXIST')) return;
      const holder = readJson(lock);
      if (isAlive(holder)) throw busy(root, holder);
      const aside = `${mine}.dead`;
      if (!succeeds(() => renameSync(lock, aside), 'ENOENT')) continue;
      const moved = readJson(aside);
      // Somebody took it between our look and our move: it is theirs.
      if (isAlive(moved)) succeeds(() => linkSync(aside, lock), 'EEXIST');
      rmSync(aside, { force: true });
    }
    throw busy(root, readJson(lock));
  } finally {
    rmSync(mine, { force: true });
  }
}

/** @param {any} holder */
function isAlive(holder) {
  return holder?.startTime !== undefined && holder.startTime === startTimeOf(holder.pid);
}

/** @param {string} root @param {any} holder */
function busy(root, holder) {
  return new Halt(`another command works on ${root} (process ${holder?.pid ?? 'unknown'})`, 'wait for it to end');
}

/** @param {() => void} act @param {string} unless the code of the failure that is an answer */
function succeeds(act, unless) {
  try {
    act();
    return true;
  } catch (cause) {
    if (/** @type {NodeJS.ErrnoException} */ (cause).code === unless) return false;
    throw cause;
  }
}

/** @param {State} state */
export function engines(state) {
  const { layout, record } = state;
  const place = { runtime: record.runtimeDir, daemons: layout.daemons, logs: layout.logs };
  return { postgres: { ...place, directory: layout.postgres }, redis: { ...place, directory: layout.redis } };
}
