/**
 * Files that are either whole or not there.
 *
 * `up` may be interrupted at any moment and is then run again: each step asks whether its result exists, so
 * a result must appear in one piece. Write beside, flush, rename, flush the directory: a name that is not flushed is
 * gone, or back again, after the power was.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { chmodSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * @param {string} path
 * @param {string | Uint8Array} content
 * @param {number} [mode]
 */
export function writeWhole(path, content, mode = 0o644) {
  const beside = `${path}.${randomBytes(4).toString('hex')}.partial`;
  mkdirSync(dirname(path), { recursive: true });
  const file = openSync(beside, 'wx', mode);
  try {
    writeSync(file, /** @type {string} */ (content));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  // The mode given to open is narrowed by the umask, and must not be left to it.
  chmodSync(beside, mode);
  renameSync(beside, path);
  syncDirectory(dirname(path));
}

/** Makes what was created, renamed or removed in a directory outlive a loss of power. @param {string} path */
export function syncDirectory(path) {
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

/**
 * Writes `content` unless the file already says so.
 *
 * @param {string} path
 * @param {string} content
 * @param {number} [mode]
 * @returns {boolean} whether anything changed
 */
export function writeIfDifferent(path, content, mode = 0o644) {
  if (existsSync(path) && readFileSync(path, 'utf8') === content) return false;
  writeWhole(path, content, mode);
  return true;
}

/**
 * A directory with exactly this mode, whatever the umask.
 *
 * @param {string} path
 * @param {number} [mode]
 */
export function ensureDirectory(path, mode = 0o755) {
  if (existsSync(path)) return;
  mkdirSync(path, { recursive: true, mode });
  chmodSync(path, mode);
}

/**
 * @param {string} path
 * @returns {any} the parsed file, or undefined if there is none or it is not JSON
 */
export function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** @param {string} path */
export function removeTree(path) {
  rmSync(path, { recursive: true, force: true });
}

/**
 * A secret of `length` decimal digits in a file only its owner may read. Made once, never shown.
 *
 * @param {string} path
 * @param {number} [length]
 */
export function ensurePin(path, length = 16) {
  if (existsSync(path)) return;
  // 10 digits out of 256 values: reject the last six, or the low digits would be likelier.
  let pin = '';
  while (pin.length < length) for (const octet of randomBytes(length)) if (octet < 250) pin += String(octet % 10);
  writeWhole(path, pin.slice(0, length), 0o600);
}
