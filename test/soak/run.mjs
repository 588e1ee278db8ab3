/**
 * `npm run test:soak`: an ordinary day in half an hour. Everything is asked for at once, something fails at random every
 * half minute, and at the end every promise is proved (docs/testing.md).
 *
 *   --minutes N     how long; 30 by default
 *   --quick         two minutes, with each disturbance that fits
 *   --seed N        the choices of an earlier run again
 *   --report FILE   where the report goes, one JSON object per line; `.cache/soak-SEED.jsonl` by default
 *   --keep          leave the installation and what was written down
 *
 * It fails when an error has no disturbance that explains it, when memory grows in a long life, or when anything that
 * was acknowledged cannot be proved.
 */
import { randomInt } from 'node:crypto';
import { appendFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { inRepository } from '../../apps/bootstrap/src/paths.mjs';
import { Chance } from '../crash/rounds/chance.mjs';
import { readRecords } from '../crash/rounds/acknowledgements.mjs';
import { Load } from '../crash/rounds/load.mjs';
import { onOwnInstallation, option, say } from '../crash/rounds/own-installation.mjs';
import { Prover } from '../crash/rounds/prove.mjs';
import { Victims } from '../crash/rounds/victims.mjs';
import { readSite } from '../load/site.mjs';
import { disturbances, pause } from './disturbances.mjs';
import { Memory } from './memory.mjs';

const words = process.argv.slice(2);
const quick = words.includes('--quick');
const seed = Number(option('--seed') ?? randomInt(2 ** 31));
const minutes = Number(option('--minutes') ?? (quick ? 2 : 30));
const report = option('--report') ?? inRepository('.cache', `soak-${seed}.jsonl`);
const LANES = { v1: 2, v2: 3, certificate: 1, timestamp: 2, 'read-entry': 1, 'read-head': 1, search: 1 };
const KINDS = Object.keys(LANES);
const LANE_PAUSE_MS = 40;
const SAMPLE_MS = 5000;
/** Between the end of one disturbance and the beginning of the next. */
const QUIET_MS = quick ? [4000, 9000] : [15_000, 45_000];
/** A disturbance explains what was asked from its beginning until this long after everything was answered again. */
const AFTER_MS = 3000;
/** After how many disturbances what was acknowledged is proved; at the end, all of it is again. */
const PROVED_EVERY = 4;
/** In the second half only what leaves the appliance and its agent alive: somebody must live long enough to be judged. */
const CALM_SHARE = 0.45;

/** @typedef {{ name: string, fromMs: number, untilMs: number }} Window */

process.exitCode = await main();

async function main() {
  say(`soak: seed ${seed}, ${minutes} minutes${quick ? ', quick' : ''}`);
  mkdirSync(dirname(report), { recursive: true });
  rmSync(report, { force: true });
  const well = await onOwnInstallation({ name: 'soak', seed, keep: words.includes('--keep') }, soak);
  say(`report: ${report}`);
  return well ? 0 : 1;
}

/** @param {{ installation: string, evidence: string }} place */
async function soak({ installation, evidence }) {
  const site = readSite(installation);
  const { runtimeDir } = JSON.parse(readFileSync(installation, 'utf8'));
  const processes = new Victims(site.stateDir);
  const prover = new Prover(site, runtimeDir);
  const memory = new Memory();
  const load = await Load.start(installation, evidence, LANES, LANE_PAUSE_MS);
  const began = Date.now();
  const endMs = began + minutes * 60_000;
  /** @type {Window[]} */
  const windows = [];
  const sampler = setInterval(() => {
    const appliance = processes.pid('appliance');
    memory.sample('appliance', appliance === undefined ? [] : [appliance]);
    memory.sample('agent', processes.agents());
  }, SAMPLE_MS);
  try {
    load.run();
    await load.acknowledges(KINDS, { what: '', acknowledged: {}, failed: 0 }, 30_000);
    await disturb({ processes, load, prover, evidence, windows, began, endMs });
    await load.rest();
  } finally {
    clearInterval(sampler);
    load.stop();
  }

  const problems = unexplained(evidence, windows);
  for (const error of problems) tell({ event: 'unexplained', ...error });
  const lives = memory.judge(['appliance', 'agent']);
  for (const life of lives) {
    tell({ event: 'memory', ...life });
    say(`memory of the ${life.name}: ${life.text}`);
  }
  // Who begins anew signs what is left; then everything, from the beginning.
  await processes.kill('appliance');
  await processes.startAppliance();
  prover.take(evidence);
  const proved = await prover.prove({ all: true, whole: true });
  tell({ event: 'proved', ...proved });
  say(
    `proved: ${proved.v1.entries} v1 entries, ${proved.v2.entries} v2 entries, ${proved.certificates.entries} certificates, ${proved.stored.entries} timestamps; ` +
      `${proved.stored.heads} heads ever signed, none contradicted`,
  );
  const explained = readRecords(join(evidence, 'errors.jsonl'), 0).records.length - problems.length;
  say(
    `${windows.length} disturbances, ${explained} errors that they explain, ${problems.length} that nothing explains`,
  );
  const grown = lives.filter(({ flat }) => flat === false);
  tell({
    event: 'end',
    seed,
    minutes,
    disturbances: windows.length,
    explained,
    unexplained: problems.length,
    flat: grown.length === 0,
  });
  const [first] = problems;
  if (first !== undefined)
    throw new Error(`${problems.length} errors without a reason, the first ${JSON.stringify(first)}`);
  if (grown.length > 0)
    throw new Error(`memory grew: ${grown.map(({ name, text }) => `${name}, ${text}`).join('; ')}`);
}

/**
 * One disturbance after the other, chosen by chance, each followed by a recovery.
 *
 * @param {{ processes: Victims, load: Load, prover: Prover, evidence: string, windows: Window[], began: number, endMs: number }} parts
 */
async function disturb({ processes, load, prover, evidence, windows, began, endMs }) {
  const chance = new Chance(seed);
  const calmFromMs = endMs - (endMs - began) * CALM_SHARE;
  /** @type {readonly import('./disturbances.mjs').Disturbance[]} */
  let left = [];
  for (;;) {
    const quietMs = chance.between(/** @type {number} */ (QUIET_MS[0]), /** @type {number} */ (QUIET_MS[1]));
    if (Date.now() + quietMs + 10_000 > endMs) break;
    await pause(quietMs);
    const possible =
      quick || Date.now() < calmFromMs ? disturbances : disturbances.filter(({ ends }) => !ends);
    left = left.filter((one) => possible.includes(one));
    // Every one once before any comes again.
    if (left.length === 0) left = chance.shuffled(possible);
    const [disturbance, ...rest] = left;
    if (disturbance === undefined) throw new Error('there is nothing to disturb');
    left = rest;
    const forMs = chance.between(300, 4000);
    const fromMs = Date.now();
    const before = await load.count();
    try {
      await disturbance.happen(processes, forMs);
      await processes.ready();
      await load.acknowledges(KINDS, await load.count(), 60_000);
    } catch (error) {
      throw new Error(
        `${disturbance.name} for ${forMs} ms, ${Math.round((fromMs - began) / 1000)} s after the start: ${String(error)}`,
        { cause: error },
      );
    }
    const untilMs = Date.now();
    windows.push({ name: disturbance.name, fromMs, untilMs: untilMs + AFTER_MS });
    const after = await load.count();
    prover.take(evidence);
    // Proving costs as much as being answered did: not every time, or little else would happen.
    const proved = windows.length % PROVED_EVERY === 0 ? await prover.prove() : undefined;
    tell({
      event: 'disturbance',
      name: disturbance.name,
      atMs: fromMs - began,
      forMs,
      recoveredMs: untilMs - fromMs,
      failed: after.failed - before.failed,
      acknowledged: after.acknowledged,
      heads: proved?.stored.heads,
    });
    const sum = Object.values(after.acknowledged).reduce((all, count) => all + count, 0);
    say(
      `${((fromMs - began) / 1000).toFixed(0).padStart(5)} s  ${disturbance.name.padEnd(26)} ${disturbance.once === true ? ' '.repeat(8) : `${String(forMs).padStart(4)} ms;`} all answered again after ${untilMs - fromMs} ms; ` +
        `${after.failed - before.failed} failed; ${sum} answered so far${proved === undefined ? '' : ', and proved'}`,
    );
  }
  await pause(Math.max(0, endMs - Date.now()));
}

/** Errors that were asked and failed outside of every window. @param {string} evidence @param {readonly Window[]} windows */
function unexplained(evidence, windows) {
  const { records } = readRecords(join(evidence, 'errors.jsonl'), 0);
  return records.filter(
    ({ sentMs, doneMs }) => !windows.some(({ fromMs, untilMs }) => doneMs >= fromMs && sentMs <= untilMs),
  );
}

/** @param {object} event */
function tell(event) {
  appendFileSync(report, `${JSON.stringify({ time: new Date().toISOString(), ...event })}\n`);
}
