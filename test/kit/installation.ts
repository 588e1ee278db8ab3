/** What a journey knows of the installation it runs against, and the command line that goes with it. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface Installation {
  readonly stateDir: string;
  readonly port: number;
  /** `https://127.0.0.1:<port>`: every service but the v2 shard. */
  readonly origin: string;
  /** `https://127.0.0.2:<port>`: the v2 shard, which is a host of its own. */
  readonly shardOrigin: string;
  /** PEM of the private authority that vouches for both. */
  readonly caFile: string;
  readonly settings: string;
  readonly trustedRoot: string;
  readonly adminSocket: string;
  readonly runtimeDir: string;
  /** The machine identity registered at the start, and its credentials (a file). */
  readonly identity: string;
  readonly credentials: string;
  readonly node: string;
  readonly commandLine: string;
}

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The installation that this run brought up. */
export function installation(): Installation {
  const path = process.env['AIRSEAL_JOURNEY'];
  if (path === undefined) throw new Error('no installation: run this spec through jest.journeys.config.mjs (npm test)');
  return JSON.parse(readFileSync(path, 'utf8')) as Installation;
}

/** Runs `airseal` with these words against the installation; an unsuccessful end is an answer, not an error. */
export function airseal(...words: string[]): Promise<CommandResult> {
  const { node, commandLine, stateDir } = installation();
  return new Promise((resolve) => {
    execFile(node, [commandLine, ...words, '--state', stateDir], { maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
      resolve({ code, stdout, stderr });
    });
  });
}
