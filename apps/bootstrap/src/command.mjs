/** Running other programs: quietly with their output kept for the error, or in the foreground. */
import { spawn, spawnSync } from 'node:child_process';

/** A step that cannot go on, with what to do about it. Shown without a stack. */
export class Halt extends Error {
  /**
   * @param {string} message
   * @param {string} [advice] what to type or change
   */
  constructor(message, advice) {
    super(message);
    this.name = 'Halt';
    this.advice = advice;
  }
}

/**
 * Runs a program to its end and resolves to its standard output.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{cwd?: string, env?: NodeJS.ProcessEnv, input?: string, argv0?: string, timeoutMs?: number, onStart?: (pid: number) => void}} [options]
 * @returns {Promise<string>}
 */
export async function run(program, args, options = {}) {
  const outcome = await attempt(program, args, options);
  if (outcome.code === 0) return outcome.stdout;
  const said = `${outcome.stderr}${outcome.stdout}`.trim().split('\n').slice(-25).join('\n');
  throw new Halt(`${program} ${args[0] ?? ''} ended with ${outcome.code ?? outcome.signal}\n${said}`);
}

/**
 * Like {@link run}, but an unsuccessful end is an answer and not an error.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{cwd?: string, env?: NodeJS.ProcessEnv, input?: string, argv0?: string, timeoutMs?: number, onStart?: (pid: number) => void}} [options]
 * @returns {Promise<{code: number | null, signal: string | null, stdout: string, stderr: string}>}
 */
export function attempt(program, args, options = {}) {
  return new Promise((settle) => {
    const child = spawn(program, [...args], {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(options.argv0 === undefined ? {} : { argv0: options.argv0 }),
      ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs }),
    });
    if (child.pid !== undefined) options.onStart?.(child.pid);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
    child.on('error', (cause) => settle({ code: null, signal: null, stdout, stderr: stderr + cause.message }));
    child.on('close', (code, signal) => settle({ code, signal, stdout, stderr }));
  });
}

/**
 * Runs a program in the foreground, its output the user's.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{cwd?: string, env?: NodeJS.ProcessEnv}} [options]
 * @returns {number} its exit code
 */
export function foreground(program, args, options = {}) {
  const { status, error } = spawnSync(program, [...args], { stdio: 'inherit', ...options });
  if (error !== undefined) throw new Halt(`${program} could not be started: ${error.message}`);
  return status ?? 1;
}

/** @param {number} ms */
export function pause(ms) {
  return new Promise((wake) => setTimeout(wake, ms));
}

/**
 * Waits until `ready` answers true.
 *
 * @param {string} what for the message
 * @param {number} limitMs
 * @param {() => Promise<boolean> | boolean} ready throws to give up at once
 */
export async function until(what, limitMs, ready) {
  const deadline = Date.now() + limitMs;
  for (let wait = 20; ; wait = Math.min(wait * 2, 500)) {
    if (await ready()) return;
    if (Date.now() > deadline) throw new Halt(`${what} was not ready within ${Math.round(limitMs / 1000)} s`);
    await pause(wait);
  }
}

/** What the system's refusals mean at three in the morning. */
const systemAdvice = {
  ENOSPC: ['the disk is full', 'free some space (df -h), then run the same again: it goes on where it stopped'],
  EDQUOT: ['the quota of this user is used up', 'free some space, then run the same again'],
  EROFS: ['the file system is read-only', 'name another place with --state DIR'],
  EACCES: ['permission denied', 'run this as the owner of that file, or name another place with --state DIR'],
  EPERM: ['not permitted', 'run this as the owner of that file, or name another place with --state DIR'],
  EMFILE: ['too many open files', 'raise the limit (ulimit -n 4096)'],
};

/**
 * The same failure as a {@link Halt}, where it is the system's and not ours.
 *
 * @param {unknown} cause
 * @returns {Halt | undefined}
 */
export function asHalt(cause) {
  if (cause instanceof Halt) return cause;
  const { code, path, syscall } = /** @type {NodeJS.ErrnoException} */ (cause ?? {});
  if (code === undefined || !Object.hasOwn(systemAdvice, code)) return undefined;
  const [what, advice] = systemAdvice[/** @type {keyof typeof systemAdvice} */ (code)] ?? [];
  return new Halt(`${what}${path === undefined ? '' : `: ${path}`}${syscall === undefined ? '' : ` (${syscall})`}`, advice);
}

/** The environment without what npm adds for its own scripts, so that tools behave as if typed by hand. */
export function plainEnvironment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));
}
