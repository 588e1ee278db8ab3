/**
 * Puts the interposer before the token of a running installation, so that each of its signatures takes longer.
 *
 * The time is slept on the thread that signs, as it passes in a device at the other end of a cable: the agent's sessions
 * wait side by side, and the processors are free meanwhile.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startAppliance, stopAppliance } from '../../apps/bootstrap/src/appliance.mjs';
import { openState } from '../../apps/bootstrap/src/state.mjs';
import { compiledInterposer } from '../kit/interposer/compile.mjs';

/** @param {string} stateDir @returns {Promise<(ms: number) => void>} sets how much longer, from the next signature on */
export async function slowToken(stateDir) {
  const state = openState(stateDir, undefined);
  await stopAppliance(state);
  const control = join(stateDir, 'token-orders');
  const order = (/** @type {number} */ ms) => {
    // Renamed into place, so that no call reads half of it.
    writeFileSync(`${control}.new`, `slow ${ms}\n`);
    renameSync(`${control}.new`, control);
  };
  order(0);
  const settings = readFileSync(state.layout.settings, 'utf8');
  const library = /^( *)module: (".*")$/m.exec(settings)?.[2];
  if (library === undefined) throw new Error('the settings name no PKCS#11 library');
  const altered = settings
    .replace(/^( *)module: ".*"$/m, (_, space) => `${space}module: ${JSON.stringify(compiledInterposer('interposer.c'))}`)
    .replace(
      /^( *)environment:$/m,
      (line, space) =>
        `${line}\n${space}  AIRSEAL_INTERPOSED: ${library}\n${space}  AIRSEAL_INTERPOSER_CONTROL: ${JSON.stringify(control)}`,
    );
  writeFileSync(state.layout.settings, altered);
  await startAppliance(state);
  return order;
}
