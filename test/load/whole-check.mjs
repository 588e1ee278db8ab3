/** How fast `airseal log fsck` derives the v2 log again, start of the process included. */
import { spawnSync } from 'node:child_process';

/**
 * @param {{ node: string, commandLine: string, stateDir: string }} installation
 * @returns {number} leaves a second
 */
export function wholeCheck({ node, commandLine, stateDir }) {
  const begun = performance.now();
  const words = ['log', 'fsck', '--tree', 'rekor-v2/2026-1', '--output', 'json', '--state', stateDir];
  const { status, stdout, stderr } = spawnSync(node, [commandLine, ...words], { encoding: 'utf8', maxBuffer: 1 << 26 });
  const seconds = (performance.now() - begun) / 1000;
  if (status !== 0) throw new Error(`log fsck ended with ${status}: ${stderr.slice(-500)}`);
  return Number(JSON.parse(stdout).trees[0].to) / seconds;
}
