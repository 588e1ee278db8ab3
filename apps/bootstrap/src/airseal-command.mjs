/** Calls the built command line as the operator would. */
import { existsSync } from 'node:fs';
import { Halt, plainEnvironment, run } from './command.mjs';
import { inRepository, pinnedNode } from './paths.mjs';
import { programEnvironment } from './programs.mjs';

/**
 * @param {import('./state.mjs').State} state
 * @param {readonly string[]} words
 * @param {(pid: number) => void} [onStart]
 * @returns {Promise<string>} standard output
 */
export function airseal(state, words, onStart) {
  const main = inRepository('dist', 'apps', 'airseal', 'src', 'main.js');
  if (!existsSync(main)) throw new Halt('the command line was not built', 'npm run build');
  return run(pinnedNode, [main, ...words, '--state', state.layout.root], {
    env: programEnvironment(plainEnvironment()),
    ...(onStart === undefined ? {} : { onStart }),
  });
}
