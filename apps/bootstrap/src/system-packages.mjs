/**
 * What the system must have: PostgreSQL, Redis, SoftHSM, and a compiler for the native addons.
 *
 * Nothing here may start or create a service of the machine. Two things see to it: `create_main_cluster = false`
 * is written *before* PostgreSQL is installed, and Redis comes from `redis-tools`, which has no unit.
 *
 * Root installs. An ordinary user installs with sudo where sudo asks for no password; elsewhere the same packages
 * are fetched and unpacked below `.cache/debian`, where only this repository uses them.
 */
import { existsSync, mkdirSync, readFileSync, readdirSync, realpathSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { attempt, Halt, run } from './command.mjs';
import { ensureDirectory, removeTree } from './files.mjs';
import { inRepository } from './paths.mjs';
import { onPath, postgresBinaries, redisServer, softhsmModule, unpacked } from './programs.mjs';
import { note } from './progress.mjs';

/** @type {readonly {package: string, why: string, present: () => unknown}[]} */
const needs = [
  { package: 'postgresql', why: 'the database of logs and certificates', present: postgresBinaries },
  { package: 'redis-tools', why: 'the queue of scheduled work', present: redisServer },
  { package: 'softhsm2', why: 'the test HSM that holds evaluation keys', present: softhsmModule },
  { package: 'g++', why: 'compiles the native addons for the pinned Node.js', present: () => onPath('g++') },
  { package: 'make', why: 'compiles the native addons for the pinned Node.js', present: () => onPath('make') },
  { package: 'python3', why: 'node-gyp is written in it', present: () => onPath('python3') },
];

const clusterConfiguration = '/etc/postgresql-common/createcluster.conf';

/** @returns {Promise<string>} what was done, for the progress line */
export async function ensureSystemPackages() {
  const missing = needs.filter((need) => need.present() === undefined);
  if (missing.length === 0) return 'all there';
  if (onPath('apt-get') === undefined) {
    throw new Halt(
      `this system lacks ${missing.map((need) => need.package).join(', ')}, and has no apt-get to install them with`,
      'install them with your package manager, then run this again',
    );
  }
  for (const need of missing) note(`needs ${need.package}: ${need.why}`);

  if (process.getuid?.() === 0) await install([], missing);
  else if (await sudoWithoutPassword()) await install(['sudo', '-n'], missing);
  else await unpack(missing);

  const still = needs.filter((need) => need.present() === undefined);
  if (still.length > 0) throw new Halt(`still missing after the installation: ${still.map((need) => need.package).join(', ')}`);
  note('');
  return missing.map((need) => need.package).join(', ');
}

async function sudoWithoutPassword() {
  return onPath('sudo') !== undefined && (await attempt('sudo', ['-n', 'true'])).code === 0;
}

/**
 * The packages to ask for. `postgresql` itself is a name without a server; what it depends on is the version
 * this release of the system carries.
 *
 * @param {readonly {package: string}[]} missing
 * @param {readonly string[]} [options] of apt
 */
async function packageNames(missing, options = []) {
  const names = missing.map((need) => need.package);
  const at = names.indexOf('postgresql');
  if (at < 0) return names;
  const depends = await run('apt-cache', [...options, 'depends', 'postgresql']);
  const server = /Depends: (postgresql-\d+)/.exec(depends)?.[1];
  if (server === undefined) throw new Halt('this system has no package of a PostgreSQL server', 'apt-get update');
  return names.map((name) => (name === 'postgresql' ? server : name));
}

/**
 * @param {readonly string[]} prefix nothing, or sudo
 * @param {readonly {package: string}[]} missing
 */
async function install(prefix, missing) {
  /** @param {string[]} words */
  const privileged = (...words) => {
    const [program = '', ...args] = [...prefix, 'env', 'DEBIAN_FRONTEND=noninteractive', ...words];
    return run(program, args);
  };
  // Without fresh lists an old system asks for versions that the mirror has dropped. Offline, the lists that
  // are there may still do, so a failure here is not yet the end.
  note('apt-get update');
  try {
    await privileged('apt-get', '-q', 'update');
  } catch {
    note('apt-get update failed; going on with the lists that are there');
  }
  const names = await packageNames(missing);
  if (names.some((name) => name.startsWith('postgresql-'))) await forbidMainCluster(prefix);
  const command = ['apt-get', '-q', '-y', '--no-install-recommends', '-o', 'Dpkg::Options::=--force-confold', 'install', ...names];
  note(command.filter((word) => !/^(-q|-y|-o|Dpkg.*)$/.test(word)).join(' '));
  await privileged(...command);
}

/**
 * Debian makes and starts a cluster when a PostgreSQL server is installed, unless this file says no.
 *
 * @param {readonly string[]} prefix
 */
async function forbidMainCluster(prefix) {
  const present = existsSync(clusterConfiguration) ? readFileSync(clusterConfiguration, 'utf8') : '';
  if (/^\s*create_main_cluster\s*=\s*false/m.test(present)) return;
  note(`create_main_cluster = false in ${clusterConfiguration}, so that no service is made`);
  const kept = present.replace(/^\s*create_main_cluster\s*=.*\n?/gm, '');
  const [program = '', ...args] = [...prefix, 'sh', '-c', `mkdir -p /etc/postgresql-common && cat > ${clusterConfiguration}`];
  await run(program, args, { input: `${kept}create_main_cluster = false\n` });
}

/**
 * Fetches what `apt-get install` would, into directories of our own, and unpacks it without running anything.
 *
 * @param {readonly {package: string}[]} missing
 */
async function unpack(missing) {
  const names = missing.map((need) => need.package);
  const command = `apt-get install --no-install-recommends ${names.join(' ')}`;
  note('no right to install: fetching the packages and unpacking them below .cache/debian');
  try {
    const place = inRepository('.cache', 'debian');
    const archives = join(place, 'archives');
    for (const name of ['lists/partial', 'cache/archives/partial', 'archives']) mkdirSync(join(place, name), { recursive: true });
    const options = [
      ...['-o', `Dir::State::lists=${join(place, 'lists')}`, '-o', `Dir::Cache=${join(place, 'cache')}`],
      ...['-o', 'Debug::NoLocking=1', '-o', 'APT::Sandbox::User='],
    ];
    await run('apt-get', [...options, '-q', 'update']);
    const wanted = await packageNames(missing, options);
    const uris = await run('apt-get', [...options, '-y', '--no-install-recommends', '--print-uris', 'install', ...wanted]);
    // 'http://…/pool/…' name_version_architecture.deb size digest
    const packages = [...uris.matchAll(/^'[^']+' ([^_ ]+)_\S+\.deb /gm)].map((match) => match[1] ?? '');
    if (packages.length === 0) throw new Halt('apt named no package to fetch');
    await run('apt-get', [...options, '-q', 'download', ...packages], { cwd: archives });

    const partial = `${unpacked}.partial`;
    removeTree(partial);
    // What an earlier run unpacked is still needed: apt does not know of it and names it again where it must.
    ensureDirectory(partial);
    for (const file of readdirSync(archives).filter((name) => name.endsWith('.deb'))) {
      await run('dpkg-deb', ['-x', join(archives, file), partial]);
    }
    removeTree(unpacked);
    renameSync(partial, unpacked);
    relocateLinkerScripts(unpacked);
  } catch (cause) {
    throw new Halt(
      `${names.join(', ')} could not be unpacked privately: ${cause instanceof Error ? cause.message : String(cause)}`,
      `as root: ${existsSync(clusterConfiguration) ? '' : `mkdir -p /etc/postgresql-common && echo 'create_main_cluster = false' >> ${clusterConfiguration} && `}${command}`,
    );
  }
}

/**
 * libc.so and the like are texts that name libraries by absolute path; point them to what we unpacked.
 *
 * @param {string} root
 */
function relocateLinkerScripts(root) {
  const libraries = join(root, 'usr/lib');
  if (!existsSync(libraries)) return;
  for (const multiarch of readdirSync(libraries).filter((name) => name.endsWith('-linux-gnu'))) {
    const directory = join(libraries, multiarch);
    for (const name of readdirSync(directory).filter((file) => file.endsWith('.so'))) {
      const path = join(directory, name);
      if (!existsSync(path) || statSync(path).size > 4096 || !realpathSync(path).startsWith(realpathSync(root))) continue;
      const text = readFileSync(path, 'latin1');
      if (!text.includes('GNU ld script')) continue;
      const moved = text.replace(/\/(?:usr\/)?lib[^\s()]*/g, (library) =>
        !existsSync(library) && existsSync(join(root, library)) ? join(root, library) : library,
      );
      writeFileSync(path, moved, 'latin1');
    }
  }
}
