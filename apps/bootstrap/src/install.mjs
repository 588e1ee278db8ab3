/**
 * What stands between a clone and a first command: npm's packages and the native addons.
 *
 * Install scripts of packages are off (.npmrc): no third party's code runs at installation. The two addons that
 * must be compiled are compiled here, by the pinned Node.js against the headers that came in the same package.
 * Compiled by another Node.js they load, and then crash at exit.
 */
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Halt, plainEnvironment, run } from './command.mjs';
import { readJson } from './files.mjs';
import { inRepository, nodePackage, pinnedNode, repository } from './paths.mjs';
import { onPath, programEnvironment, unpacked } from './programs.mjs';

/** Installs npm's packages unless they are exactly what the lock says. @returns {Promise<string>} */
export async function ensurePackages() {
  if (!existsSync(inRepository('package-lock.json'))) throw new Halt('package-lock.json is missing', 'git status');
  if (packagesAgreeWithLock() && existsSync(pinnedNode)) return 'as locked';
  // `npm run` tells us which npm it is; started by hand, the one on PATH will do.
  const npm = process.env['npm_execpath'];
  const [program, first] = npm !== undefined && npm.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
  await run(program, [...first, 'ci', '--no-progress', '--loglevel=error'], { cwd: repository });
  if (!existsSync(pinnedNode)) {
    throw new Halt(
      `there is no pinned Node.js for ${process.platform} on ${process.arch}`,
      'Airseal runs on Linux, x64 or arm64; check that npm does not omit optional dependencies',
    );
  }
  return 'installed';
}

/** npm writes beside what it installed a lock of its own, the last thing it does. */
function packagesAgreeWithLock() {
  const wanted = readJson(inRepository('package-lock.json'))?.packages;
  const found = readJson(inRepository('node_modules', '.package-lock.json'))?.packages;
  if (wanted === undefined || found === undefined) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true;
    const there = found[path];
    if (there === undefined) return entry.optional === true || entry.devOptional === true || entry.peer === true;
    return there.version === entry.version && there.integrity === entry.integrity;
  });
}

/** Where an addon's sources are, and what node-gyp makes of them. */
const addons = [
  { directory: inRepository('libs', 'core', 'crypto', 'native'), product: 'verify_digest.node' },
  { directory: inRepository('node_modules', 'pkcs11js'), product: 'pkcs11.node' },
];

/** @returns {Promise<string>} */
export async function ensureAddons() {
  const stale = addons.filter((addon) => !isBuilt(addon));
  for (const addon of stale) {
    const gyp = inRepository('node_modules', 'node-gyp', 'bin', 'node-gyp.js');
    await run(pinnedNode, [gyp, 'rebuild', `--nodedir=${nodePackage}`], { cwd: addon.directory, env: compilerEnvironment() });
  }
  return stale.length === 0 ? 'built' : `compiled ${stale.map((addon) => addon.product).join(', ')}`;
}

/** @param {{directory: string, product: string}} addon */
function isBuilt(addon) {
  const product = join(addon.directory, 'build', 'Release', addon.product);
  const configuration = join(addon.directory, 'build', 'config.gypi');
  if (!existsSync(product) || !existsSync(configuration)) return false;
  // Built against another Node.js, or where the repository stood before: build again.
  if (!readFileSync(configuration, 'utf8').includes(`"nodedir": "${nodePackage}"`)) return false;
  const built = statSync(product).mtimeMs;
  const sources = [join(nodePackage, 'package.json'), ...sourcesIn(addon.directory)];
  return sources.every((path) => statSync(path).mtimeMs <= built);
}

/** @param {string} directory @returns {string[]} */
function sourcesIn(directory) {
  return readdirSync(directory)
    .filter((name) => /\.(c|cc|cpp|h|gyp)$/.test(name))
    .map((name) => join(directory, name));
}

/** The environment of the compiler; where it was only unpacked, it must be told where its parts are. */
function compilerEnvironment() {
  const env = programEnvironment(plainEnvironment());
  if (!existsSync(join(unpacked, 'usr/bin/g++'))) return env;
  const multiarch = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
  // After the compiler's own directories: its C++ headers ask for the *next* one of the same name.
  const include = ['usr/include', `usr/include/${multiarch}`].map((path) => `-idirafter ${join(unpacked, path)}`).join(' ');
  return {
    ...env,
    PATH: `${join(unpacked, 'usr/bin')}:${env['PATH'] ?? ''}`,
    CC: `${join(unpacked, 'usr/bin/gcc')} ${include}`,
    CXX: `${join(unpacked, 'usr/bin/g++')} ${include}`,
    AR: join(unpacked, 'usr/bin/ar'),
    PYTHON: onPath('python3'),
    LIBRARY_PATH: [join(unpacked, 'usr/lib', multiarch), join(unpacked, 'lib', multiarch), `/lib/${multiarch}`].join(':'),
  };
}
