/**
 * The programs of the system that Airseal stands on, wherever they are: installed, or unpacked into
 * `.cache/debian` by an ordinary user who may not install (system-packages.mjs).
 */
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { inRepository } from './paths.mjs';

/** Where packages are unpacked that may not be installed. */
export const unpacked = inRepository('.cache', 'debian', 'root');

const roots = ['', unpacked];

/** @param {readonly string[]} paths absolute; the first that exists under a root wins */
function firstOf(paths) {
  for (const root of roots) {
    const found = paths.map((path) => join(root, path)).find((path) => existsSync(path));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** @param {string} name @returns {string | undefined} */
export function onPath(name) {
  const directories = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/bin', '/bin', join(unpacked, 'usr/bin')];
  return directories.map((directory) => join(directory, name)).find((path) => existsSync(path));
}

/** The newest PostgreSQL's directory of binaries. @returns {string | undefined} */
export function postgresBinaries() {
  for (const root of roots) {
    const versions = join(root, '/usr/lib/postgresql');
    if (!existsSync(versions)) continue;
    const newest = readdirSync(versions)
      .filter((name) => /^\d+$/.test(name) && existsSync(join(versions, name, 'bin/postgres')))
      .sort((a, b) => Number(b) - Number(a))[0];
    if (newest !== undefined) return join(versions, newest, 'bin');
  }
  return undefined;
}

/**
 * Debian's `redis-tools` carries the server under another name: `redis-check-rdb` is the same binary, and
 * becomes the server when it is called `redis-server`. So no package with a service need be installed.
 *
 * @returns {string | undefined}
 */
export function redisServer() {
  return firstOf(['/usr/bin/redis-server', '/usr/bin/redis-check-rdb']);
}

/** @returns {string | undefined} SoftHSM's PKCS#11 library */
export function softhsmModule() {
  const multiarch = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
  return firstOf(['/usr/lib/softhsm/libsofthsm2.so', `/usr/lib/${multiarch}/softhsm/libsofthsm2.so`]);
}

/**
 * Where unpacked programs find their libraries; nothing where nothing is unpacked.
 *
 * @param {string} [others] to be searched after them
 * @returns {Record<string, string>}
 */
export function unpackedLibraries(others) {
  if (!existsSync(unpacked)) return {};
  const multiarch = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
  const libraries = [`usr/lib/${multiarch}`, `lib/${multiarch}`, 'usr/lib', 'lib'].map((path) => join(unpacked, path));
  return { LD_LIBRARY_PATH: [...libraries, ...(others === undefined ? [] : [others])].join(':') };
}

/** The environment of programs that may be unpacked ones. */
export function programEnvironment(env = process.env) {
  return { ...env, ...unpackedLibraries(env['LD_LIBRARY_PATH']) };
}
