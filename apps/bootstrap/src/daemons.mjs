/**
 * Daemons that this state directory started, and only those.
 *
 * A process id alone proves nothing: ids are reused. So the record keeps the start time that the kernel gave
 * and the boot it belongs to, and both are compared before a process is called ours or ended.
 */
import { spawn } from 'node:child_process';
import { existsSync, openSync, closeSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Halt, until } from './command.mjs';
import { ensureDirectory, readJson, writeWhole } from './files.mjs';

/** @typedef {{name: string, pid: number, startTime: string, boot: string, command: string}} DaemonRecord */

/**
 * The kernel's start time of a process (field 22 of /proc/<pid>/stat), or undefined if there is none.
 *
 * @param {number} pid
 * @returns {string | undefined}
 */
export function startTimeOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name of the program stands in parentheses and may itself hold blanks and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie has ended; its parent only has not looked yet.
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function bootId() {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return 'unknown';
  }
}

/**
 * @param {string} directory where the records are
 * @param {string} name
 * @returns {DaemonRecord | undefined} the record, if the process it speaks of still runs
 */
export function runningDaemon(directory, name) {
  /** @type {DaemonRecord | undefined} */
  const record = readJson(join(directory, `${name}.json`));
  if (record === undefined || record.boot !== bootId()) return undefined;
  return startTimeOf(record.pid) === record.startTime ? record : undefined;
}

/** @param {string} directory @returns {string[]} names of all daemons that were ever recorded here */
export function recordedDaemons(directory) {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length));
}

/**
 * Starts a program that outlives us, its output appended to `log`.
 *
 * @param {string} directory where the record goes
 * @param {string} name
 * @param {{program: string, args: readonly string[], log: string, argv0?: string, cwd?: string, env?: NodeJS.ProcessEnv}} command
 * @returns {DaemonRecord}
 */
export function startDaemon(directory, name, command) {
  ensureDirectory(directory, 0o700);
  const log = openSync(command.log, 'a', 0o600);
  try {
    const child = spawn(command.program, [...command.args], {
      detached: true,
      stdio: ['ignore', log, log],
      cwd: command.cwd ?? '/',
      env: command.env ?? process.env,
      ...(command.argv0 === undefined ? {} : { argv0: command.argv0 }),
    });
    child.on('error', () => undefined);
    const record = child.pid === undefined ? undefined : recordDaemon(directory, name, child.pid, command.program);
    if (record === undefined) throw new Halt(`${name} could not be started`, `read ${command.log}`);
    child.unref();
    return record;
  } finally {
    closeSync(log);
  }
}

/**
 * Remembers a process of ours, so that another command can end it.
 *
 * @param {string} directory
 * @param {string} name
 * @param {number} pid
 * @param {string} [command]
 * @returns {DaemonRecord | undefined} undefined if it has ended already
 */
export function recordDaemon(directory, name, pid, command = process.execPath) {
  const startTime = startTimeOf(pid);
  if (startTime === undefined) return undefined;
  const record = { name, pid, startTime, boot: bootId(), command };
  writeWhole(join(directory, `${name}.json`), `${JSON.stringify(record, null, 2)}\n`, 0o600);
  return record;
}

/** @param {string} directory @param {string} name */
export function forgetDaemon(directory, name) {
  rmSync(join(directory, `${name}.json`), { force: true });
}

/**
 * Ends a daemon of ours: asks with `signal`, and after `patienceMs` insists.
 *
 * @param {string} directory
 * @param {string} name
 * @param {NodeJS.Signals} signal
 * @param {number} [patienceMs]
 * @returns {Promise<'ended' | 'was not running'>}
 */
export async function stopDaemon(directory, name, signal, patienceMs = 30_000) {
  const record = runningDaemon(directory, name);
  if (record !== undefined) {
    signalIfOurs(record, signal);
    try {
      await until(`the end of ${name}`, patienceMs, () => startTimeOf(record.pid) !== record.startTime);
    } catch {
      signalIfOurs(record, 'SIGKILL');
      await until(`the end of ${name}`, 5000, () => startTimeOf(record.pid) !== record.startTime);
    }
  }
  rmSync(join(directory, `${name}.json`), { force: true });
  return record === undefined ? 'was not running' : 'ended';
}

/** @param {DaemonRecord} record @param {NodeJS.Signals} signal */
function signalIfOurs(record, signal) {
  if (startTimeOf(record.pid) !== record.startTime) return;
  try {
    process.kill(record.pid, signal);
  } catch (cause) {
    if (/** @type {NodeJS.ErrnoException} */ (cause).code !== 'ESRCH') throw cause;
  }
}

/**
 * Throws if a daemon that was just started has already ended, with the end of its log.
 *
 * @param {DaemonRecord} record
 * @param {string} log
 */
export function assertAlive(record, log) {
  if (startTimeOf(record.pid) === record.startTime) return;
  const tail = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n').slice(-15).join('\n') : '';
  throw new Halt(`${record.name} ended while it started\n${tail}`, `the whole log is ${log}`);
}
