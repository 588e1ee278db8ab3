/** From nothing running to an answer: the appliance, and the command line beside cosign's. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readiness, startAppliance, stopAppliance } from '../../apps/bootstrap/src/appliance.mjs';
import { openState } from '../../apps/bootstrap/src/state.mjs';
import { inRepository } from '../../apps/bootstrap/src/paths.mjs';
import { median } from './drive.mjs';

const POLL_MS = 10;

/** Seconds until `/readyz` says yes, TLS handshake included. @param {string} stateDir @param {number} times */
export async function applianceColdStart(stateDir, times) {
  const state = openState(stateDir, undefined);
  const seconds = [];
  for (let round = 0; round < times; round++) {
    await stopAppliance(state);
    const begun = performance.now();
    let ready = false;
    // The bootstrap looks less and less often; this looks every 10 ms.
    const watching = (async () => {
      while (!ready) {
        ready = (await readiness(state)).ready;
        if (!ready) await new Promise((wake) => setTimeout(wake, POLL_MS));
      }
      return (performance.now() - begun) / 1000;
    })();
    await startAppliance(state);
    seconds.push(await watching);
  }
  return median(seconds);
}

/**
 * Milliseconds of `verify-blob`, ours and cosign's in turns, over the same bundle.
 *
 * @param {{ node: string, commandLine: string, stateDir: string, identity: string, origin: string, trustedRoot: string }} installation
 * @param {number} times
 */
export function verifyBlobColdStart(installation, times) {
  const { node, commandLine, stateDir, identity, origin, trustedRoot } = installation;
  const [artifact, bundle] = ['hello.txt', 'hello.txt.sigstore.json'].map((name) => join(stateDir, 'first-signature', name));
  const signer = ['--certificate-identity', identity, '--certificate-oidc-issuer', `${origin}/oidc`];
  const about = ['--bundle', /** @type {string} */ (bundle), ...signer, /** @type {string} */ (artifact)];
  const cosign = findCosign();
  const commands = {
    ours: [node, commandLine, '--state', stateDir, 'verify-blob', ...about],
    ...(cosign === undefined
      ? {}
      : { cosign: [cosign, 'verify-blob', '--trusted-root', trustedRoot, ...about], cosignVersion: [cosign, 'version'] }),
  };
  /** @type {Record<string, number[]>} */
  const taken = {};
  for (let round = 0; round <= times; round++) {
    for (const [name, [program = '', ...args]] of Object.entries(commands)) {
      const begun = performance.now();
      const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
      if (status !== 0) throw new Error(`${name} ended with ${status}: ${stderr.slice(0, 300)}`);
      // The first round warms the page cache for all of them.
      if (round > 0) (taken[name] ??= []).push(performance.now() - begun);
    }
  }
  return Object.fromEntries(Object.entries(taken).map(([name, times]) => [name, median(times)]));
}

/** @returns {string | undefined} cosign as the interop tests keep it */
function findCosign() {
  const cache = process.env['AIRSEAL_INTEROP_CACHE'] ?? inRepository('.cache', 'interop');
  return ['cosign-3.1-v3.1.2', 'cosign-3.1'].map((name) => join(cache, 'bin', name)).find((path) => existsSync(path));
}

/** @param {string} program @param {readonly string[]} args @returns {Promise<string>} standard output */
export function output(program, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (part) => (text += part));
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve(text) : reject(new Error(`${args.join(' ')} ended with ${code}`))));
  });
}
