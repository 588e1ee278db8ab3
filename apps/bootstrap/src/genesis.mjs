/**
 * Genesis: the ceremony that makes every key of this installation.
 *
 * It is run once. One that was interrupted leaves keys that nobody has vouched for; since nothing was signed for
 * anybody yet, its tokens are thrown away and it starts again from nothing. The ceremony is a process of its own, which
 * outlives an `up` that was killed: before anything is thrown away it is ended, or it would write its keys' names
 * among those of the next one.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { airseal } from './airseal-command.mjs';
import { forgetDaemon, recordDaemon, stopDaemon } from './daemons.mjs';
import { removeTree, syncDirectory, writeWhole } from './files.mjs';

/** What the process of the ceremony is recorded as, beside the daemons. */
const ceremony = 'genesis';

/** @param {import('./state.mjs').State} state */
function begunMarker(state) {
  return join(state.layout.root, 'genesis-begun');
}

/** @param {import('./state.mjs').State} state */
export function isBorn(state) {
  return existsSync(state.layout.trustMaterial) && !existsSync(begunMarker(state));
}

/**
 * Before tokens are made: leave nothing of a genesis that did not end.
 *
 * @param {import('./state.mjs').State} state
 * @returns {Promise<boolean>} whether there was one
 */
export async function discardInterruptedGenesis(state) {
  if (!existsSync(begunMarker(state))) return false;
  const { layout } = state;
  await stopDaemon(layout.daemons, ceremony, 'SIGKILL');
  for (const path of [layout.softhsm, join(layout.root, 'trust'), layout.tuf, join(layout.root, 'ceremonies')]) removeTree(path);
  removeTree(begunMarker(state));
  return true;
}

/** @param {import('./state.mjs').State} state @returns {Promise<string>} */
export async function ensureGenesis(state) {
  if (isBorn(state)) return 'done before';
  const { layout } = state;
  writeWhole(begunMarker(state), 'removed when genesis has ended well\n');
  const words = ['genesis', '--settings', layout.settings, '--bindings', layout.bindings];
  await airseal(state, words, (pid) => recordDaemon(layout.daemons, ceremony, pid));
  if (!existsSync(layout.trustMaterial)) throw new Error(`genesis ended well and left no ${layout.trustMaterial}`);
  removeTree(begunMarker(state));
  // Before anything is signed for anybody: a marker that comes back would throw away the keys of a born installation.
  syncDirectory(layout.root);
  forgetDaemon(layout.daemons, ceremony);
  return 'keys, certificates and trust root made';
}
