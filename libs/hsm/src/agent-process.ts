/**
 * Starts the agent of a token.
 *
 * Every process that finds no agent may start one; a lock of the kernel decides which of them stays, and
 * goes away with its holder however that ends. Nothing here waits, retries or cleans up after the dead.
 *
 * The agent gets an environment of its own: the vendor's variables from the settings, nothing of ours. It
 * leaves no core file, since a core of it would hold the PIN, and what it makes is closed to others, since
 * whoever can open the lock can hold it.
 */
import { createHash } from 'node:crypto';
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Fault } from '#core/fault';
import { PROTOCOL } from './protocol.js';
import type { TokenSettings } from './token-settings.js';

/** Exit code of `flock` when somebody else holds the lock. */
export const LOCK_HELD = 75;

/** sockaddr_un holds 108 octets with the closing NUL. */
const LONGEST_SOCKET_PATH = 107;

const SESSIONS = 8;

export interface AgentPlace {
  readonly name: string;
  readonly settings: TokenSettings;
  readonly socket: string;
  readonly log: string;
  readonly fingerprint: string;
  readonly journal: string | undefined;
}

/** @throws {Fault} hsm/socket-path */
export function agentPlace(
  name: string,
  settings: TokenSettings,
  runtimeDir: string,
  journalDir?: string,
): AgentPlace {
  const socket = settings.agentSocket ?? join(runtimeDir, `hsm-${name}.sock`);
  if (Buffer.byteLength(socket) > LONGEST_SOCKET_PATH) {
    throw new Fault(
      'refused',
      'hsm/socket-path',
      `the path of the socket of token ${name} is longer than ${LONGEST_SOCKET_PATH} octets; choose a shorter runtimeDir`,
    );
  }
  const { module, uri, pinSource } = settings;
  const journal = journalDir === undefined ? undefined : join(journalDir, name);
  const environment = Object.entries(settings.environment ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const fingerprint = createHash('sha256')
    .update(JSON.stringify([PROTOCOL, module, uri, pinSource, environment, journal ?? null]))
    .digest('hex');
  return { name, settings, socket, log: `${socket}.log`, fingerprint, journal };
}

/** How Node reads the agent: compiled beside us, or from the sources when we run from sources ourselves. */
function program(): readonly string[] {
  const here = import.meta.url;
  if (!here.endsWith('.ts')) return [fileURLToPath(new URL('./agent/main.js', here))];
  return [
    '--conditions=airseal-source',
    `--import=${new URL('./agent/from-sources.mjs', here).href}`,
    fileURLToPath(new URL('./agent/main.ts', here)),
  ];
}

export function startAgent(place: AgentPlace): ChildProcess {
  const { settings } = place;
  const args = [
    ['--module', settings.module],
    ['--uri', settings.uri],
    ['--pin-source', inheritedSource(settings.pinSource)],
    ['--socket', place.socket],
    ['--fingerprint', place.fingerprint],
    ['--sessions', String(SESSIONS)],
    place.journal === undefined ? [] : ['--journal', place.journal],
  ].flat();
  const lock = [
    'flock',
    '--no-fork',
    '--nonblock',
    '--conflict-exit-code',
    String(LOCK_HELD),
    `${place.socket}.lock`,
  ];
  const command = [...lock, process.execPath, ...program(), ...args];
  const log = openSync(place.log, 'a', 0o600);
  try {
    const descriptor = pinDescriptor(settings.pinSource);
    return spawn('/bin/sh', ['-c', 'umask 077; ulimit -c 0; exec "$@"', 'hsm-agent', ...command], {
      cwd: '/',
      detached: true,
      env: {
        PATH: '/usr/local/bin:/usr/bin:/bin',
        // One thread for each session that may be inside the library, and some for Node itself.
        UV_THREADPOOL_SIZE: String(SESSIONS + 4),
        ...settings.environment,
      },
      stdio: ['ignore', log, log, ...(descriptor === undefined ? [] : [descriptor])],
    });
  } finally {
    closeSync(log);
  }
}

function pinDescriptor(source: string): number | undefined {
  const match = /^fd:(\d+)$/.exec(source);
  return match?.[1] === undefined ? undefined : Number(match[1]);
}

/** An inherited descriptor is always the fourth one of the agent. */
function inheritedSource(source: string): string {
  return pinDescriptor(source) === undefined ? source : 'fd:3';
}
