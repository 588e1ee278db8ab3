/**
 * Where the files of an instance are, as seen from the command line.
 *
 * A flag wins; then a local instance (`--state`, AIRSEAL_STATE, `.airseal`); then what `airseal trust
 * fetch` left in the user's data directory. Nothing is ever fetched because a file is missing.
 */
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { Fault } from '#core/fault';
import type { Flags } from './verb.js';

/** The text of flag `name`, or `undefined`. */
export function flag(flags: Flags, name: string): string | undefined {
  const value = flags[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The text of flag `name`; `spelling` is what the person types. */
export function requiredFlag(flags: Flags, name: string, spelling: string): string {
  const value = flag(flags, name);
  if (value === undefined)
    throw new Fault('malformed', 'cli/flag-missing', `${spelling} is needed here; see --help`);
  return value;
}

export function stateDirectory(flags: Flags): string {
  return resolve(flags.state ?? process.env['AIRSEAL_STATE'] ?? '.airseal');
}

/** Where `trust fetch` keeps what it verified. */
export function fetchedTrustDirectory(): string {
  return join(process.env['XDG_DATA_HOME'] ?? join(homedir(), '.local', 'share'), 'airseal', 'trust');
}

function firstExisting(what: string, spelling: string, candidates: readonly string[]): string {
  const found = candidates.find((path) => existsSync(path));
  if (found === undefined) {
    throw new Fault(
      'absent',
      'cli/file-not-found',
      `no ${what} found; name one with ${spelling}, or run \`airseal trust fetch\``,
    );
  }
  return found;
}

export function trustedRootPath(flags: Flags): string {
  return (
    flag(flags, 'trustedRoot') ??
    firstExisting('trusted root', '--trusted-root', [
      join(stateDirectory(flags), 'trust', 'trusted_root.json'),
      join(fetchedTrustDirectory(), 'trusted_root.json'),
    ])
  );
}

export function signingConfigPath(flags: Flags): string {
  return (
    flag(flags, 'signingConfig') ??
    firstExisting('signing config', '--signing-config', [
      join(stateDirectory(flags), 'trust', 'signing_config.v0.2.json'),
      join(fetchedTrustDirectory(), 'signing_config.v0.2.json'),
    ])
  );
}

export function settingsPath(flags: Flags): string {
  return flag(flags, 'settings') ?? join(stateDirectory(flags), 'airseal.yaml');
}

/** TLS authorities to add: `--ca-file`, else the local instance's own, else none. */
export function caFilePath(flags: Flags): string | undefined {
  const local = join(stateDirectory(flags), 'tls', 'ca.pem');
  return flags.caFile ?? (existsSync(local) ? local : undefined);
}

/** Reads a file that the person named or that must be there. */
export function readText(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new Fault('absent', 'cli/file-not-found', `cannot read the ${what} ${path}`, { cause });
  }
}

/** Reads the artifact named on the command line. */
export function readArtifact(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new Fault('absent', 'cli/file-not-found', `cannot read the artifact ${path}`, { cause });
  }
}

type Reviver = (name: string, value: unknown) => unknown;

export function readJson(path: string, what: string, revive?: Reviver): unknown {
  try {
    return JSON.parse(readText(path, what), revive) as unknown;
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    throw new Fault('malformed', 'cli/not-json', `the ${what} ${path} is not JSON`, { cause });
  }
}

/**
 * A JSON file that the protocol library is to read as a message.
 *
 * The library takes octets from text, but also from anything that has a `length`: a large number under that name would
 * fill the memory and keep us busy for a minute. No message has a member of that name, so a file with one is refused.
 *
 * @throws {Fault} cli/file-not-found, cli/not-json, cli/not-a-message
 */
export function readMessageJson(path: string, what: string): unknown {
  return readJson(path, what, (name, value) => {
    if (name === 'length') throw new Fault('malformed', 'cli/not-a-message', `${path} is not a ${what}`);
    return value;
  });
}
