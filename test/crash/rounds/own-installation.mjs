/**
 * An installation of its own for a test that breaks it, and what is left of both: nothing when all went well or
 * somebody pressed Ctrl-C; the evidence, with every process ended, when it failed.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { down } from '../../../apps/bootstrap/src/down.mjs';
import { bringUp, takeDown } from '../../kit/bring-up.mjs';
import { readSite } from '../../load/site.mjs';

/**
 * @param {{ name: string, seed: number, keep: boolean }} test
 * @param {(place: { installation: string, evidence: string }) => Promise<void>} work rejects when the test has failed
 * @returns {Promise<boolean>} whether all went well
 */
export async function onOwnInstallation({ name, seed, keep }, work) {
  const evidence = mkdtempSync(join(tmpdir(), `airseal-${name}-`));
  /** @type {string | undefined} */
  let installation;
  const made = bringUp();
  const clean = async () => {
    // Who is interrupted while it is being made waits until it is, or has failed and cleaned up after itself.
    const description = await made.catch(() => undefined);
    if (description !== undefined) await takeDown(description);
    rmSync(evidence, { recursive: true, force: true });
  };
  const fail = async (/** @type {unknown} */ error) => {
    say(
      `\nFAILED with seed ${seed}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
    // What could not be made was removed by its maker.
    if (installation === undefined) return rmSync(evidence, { recursive: true, force: true });
    const { stateDir } = readSite(installation);
    say(`evidence: ${evidence} and ${stateDir}, whose processes are ended now`);
    await down(stateDir);
  };
  let interrupted = false;
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
    process.once(signal, () => {
      interrupted = true;
      say(`\n${signal}: everything is ended and removed`);
      void clean().finally(() => process.exit(130));
    });
  }
  process.on('uncaughtException', (error) => void fail(error).finally(() => process.exit(1)));
  try {
    installation = await made;
    if (interrupted) return await new Promise(() => undefined);
    await work({ installation, evidence });
  } catch (error) {
    // The interrupted one removes what it made, and exits by itself.
    if (interrupted) return await new Promise(() => undefined);
    await fail(error);
    return false;
  }
  if (keep) say(`kept: ${evidence}, ${readSite(installation).stateDir} (still running)`);
  else await clean();
  return true;
}

/** @param {string} text */
export function say(text) {
  process.stdout.write(`${text}\n`);
}

/** @param {string} name @returns {string | undefined} the word after it on the command line, or after its `=` */
export function option(name) {
  const words = process.argv.slice(2);
  const joined = words.find((word) => word.startsWith(`${name}=`));
  if (joined !== undefined) return joined.slice(name.length + 1);
  const at = words.indexOf(name);
  return at < 0 ? undefined : words[at + 1];
}
