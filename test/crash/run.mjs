/**
 * `npm run test:crash`: processes are killed at every step of a batch, under load, and everything that a client was
 * told is proved afterwards (docs/testing.md).
 *
 *   --rounds N   how many rounds; 50 by default
 *   --seed N     the choices of an earlier run again
 *   --quick      every step of a batch with victims in turn, then as many of the other victims as fit into minutes
 *   --keep       leave the installation and what was written down, also if all went well
 *
 * After the rounds come the specs of `test/crash/faults`, where storage, clock and token fail in other ways.
 */
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inRepository, pinnedNode } from '../../apps/bootstrap/src/paths.mjs';
import { readSite } from '../load/site.mjs';
import { Chance } from './rounds/chance.mjs';
import { Control } from './rounds/control.mjs';
import { Load } from './rounds/load.mjs';
import { onOwnInstallation, option, say } from './rounds/own-installation.mjs';
import { places, planRounds, victims } from './rounds/plan.mjs';
import { Prover } from './rounds/prove.mjs';
import { crashReplicas } from './rounds/replicas.mjs';
import { Victims } from './rounds/victims.mjs';

const words = process.argv.slice(2);
const quick = words.includes('--quick');
const seed = Number(option('--seed') ?? randomInt(2 ** 31));
const wanted = Number(option('--rounds') ?? (quick ? places.length * victims.length : 50));
/** Once each step has been taken, a quick run ends with the round that passes this. */
const QUICK_MS = 180_000;
/** A barrier that is not reached within this is armed again, for any tree. */
const PATIENCE_MS = 12_000;
const LANES = { v1: 4, v2: 8, certificate: 2, timestamp: 3 };
const PROMISES = Object.keys(LANES);

const began = Date.now();
const seconds = () => `${((Date.now() - began) / 1000).toFixed(0).padStart(4)} s`;

process.exitCode = await main();

async function main() {
  say(`crash rounds: seed ${seed}, ${wanted} rounds planned${quick ? ', quick' : ''}`);
  const well = await onOwnInstallation({ name: 'crash', seed, keep: words.includes('--keep') }, crash);
  return well ? faults() : 1;
}

/** @param {{ installation: string, evidence: string }} place */
async function crash({ installation, evidence }) {
  const site = readSite(installation);
  const { runtimeDir } = JSON.parse(readFileSync(installation, 'utf8'));
  const processes = new Victims(site.stateDir);
  const prover = new Prover(site, runtimeDir);
  const socket = join(runtimeDir, 'crash.sock');
  const control = new Control(socket);
  await processes.kill('appliance');
  await processes.startWithBarriers(socket);
  const load = await Load.start(installation, evidence, LANES, 5);
  const chance = new Chance(seed);
  /** @type {Map<string, number>} */
  const done = new Map();
  let counted = 0;
  let asked = 0;
  try {
    for (const [at, round] of planRounds(chance, wanted).entries()) {
      if (quick && at >= places.length && Date.now() - began > QUICK_MS) break;
      const { place, victim } = round;
      const name = `round ${String(at + 1).padStart(String(wanted).length)}/${wanted}  ${place.letter} ${place.step.padEnd(10)} ${victim.padEnd(9)}`;
      try {
        const { told, text } = await crashOnce({ round, control, processes, load, prover, socket, evidence });
        counted++;
        asked += told;
        done.set(`${place.letter} ${victim}`, (done.get(`${place.letter} ${victim}`) ?? 0) + 1);
        say(`${seconds()}  ${name} ${text}`);
      } catch (error) {
        writeFileSync(
          join(evidence, 'failed.json'),
          JSON.stringify({ seed, round: at + 1, ...round, error: String(error) }, null, 2),
        );
        throw new Error(
          `${name.trim()} (tree ${round.tree ?? 'any'}): ${error instanceof Error ? error.message : String(error)}`,
          { cause: error },
        );
      }
    }
    await load.rest();
  } finally {
    load.stop();
    control.close();
  }
  // From here on the product's own program.
  await processes.kill('appliance');
  await processes.startAppliance();
  const replicas = await crashReplicas({
    installation,
    evidence,
    processes,
    prover,
    chance,
    times: quick ? 2 : 8,
    say: (text) => say(`${seconds()}  ${text}`),
  });
  // And once from the beginning: nothing that was proved before has changed.
  await processes.kill('appliance');
  await processes.startAppliance();
  const proved = await prover.prove({ all: true, whole: true });
  say(
    `${seconds()}  all: ${proved.v1.entries} v1 entries, ${proved.v2.entries} v2 entries, ${proved.certificates.entries} certificates and ${proved.stored.entries} timestamps proved; ` +
      `${proved.stored.heads} heads ever signed, none contradicted`,
  );
  const letters = [...new Set(places.map(({ letter }) => letter))];
  const missed = letters.flatMap((letter) =>
    victims.filter((victim) => !done.has(`${letter} ${victim}`)).map((victim) => `${letter} ${victim}`),
  );
  say(
    `${counted} rounds, each of which acknowledged something (${asked} in all), and ${replicas} of two replicas; ${missed.length === 0 ? 'every step with every victim' : `not tried in this run: ${missed.join(', ')}`}`,
  );
}

/**
 * One crash.
 *
 *   1. load     runs until each service has acknowledged something in this round
 *   2. barrier  one process stops at the step that is meant; the others go on
 *   3. crash    the victim dies; whoever was stopped and lives goes on
 *   4. return   what died is started again; the appliance must recover by itself, and acknowledge again
 *   5. proof    everything that was acknowledged, before and after
 *
 * @param {{ round: import('./rounds/plan.mjs').Round, control: Control, processes: Victims, load: Load, prover: Prover, socket: string, evidence: string }} parts
 */
async function crashOnce({ round, control, processes, load, prover, socket, evidence }) {
  const { place, victim, lingerMs, outageMs } = round;
  const before = await load.count();
  load.run();
  const flowing = await load.acknowledges(PROMISES, before, 30_000);

  // What a tree does seldom may not come in time: then whichever tree comes first will do.
  const order = { step: place.step, tree: round.tree, skip: round.skip };
  const reached =
    (await control.arm(place.who, order, PATIENCE_MS)) ??
    (await control.arm(place.who, { step: place.step, skip: 0 }, 3 * PATIENCE_MS));
  if (reached === undefined) throw new Error('the barrier was never reached');
  await pause(lingerMs);
  const crashed = await load.count();
  await processes.kill(victim);
  control.release();

  const down = Date.now();
  if (victim === 'postgres') {
    await pause(outageMs);
    await processes.startPostgres();
  }
  if (victim === 'appliance') await processes.startWithBarriers(socket);
  await processes.ready();
  await load.acknowledges(PROMISES, await load.count(), 60_000);
  const back = Date.now() - down;
  await load.rest();
  const told = prover.take(evidence);
  const proved = await prover.prove();
  const sum = (/** @type {Record<string, number>} */ counts) =>
    Object.values(counts).reduce((all, count) => all + count, 0);
  const inRound = sum(crashed.acknowledged) - sum(before.acknowledged);
  if (sum(flowing.acknowledged) <= sum(before.acknowledged) || inRound === 0)
    throw new Error('nothing was acknowledged in this round');
  const again = (told['v1-known'] ?? 0) + (told['v2-known'] ?? 0);
  return {
    told: sum(told),
    text: `${(reached.tree ?? '').padEnd(17)} ${String(inRound).padStart(4)} acknowledged before, ${String(sum(told) - inRound).padStart(4)} after; ${again} known already; back in ${back} ms; ${proved.stored.heads} heads`,
  };
}

function faults() {
  const configuration = inRepository('jest.crash.config.mjs');
  say('\n── jest.crash.config.mjs');
  const jest = [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    inRepository('node_modules/jest/bin/jest.js'),
    '-c',
    configuration,
  ];
  const { status } = spawnSync(pinnedNode, jest, { cwd: inRepository(), stdio: 'inherit' });
  return status ?? 1;
}

/** @param {number} ms */
function pause(ms) {
  return new Promise((done) => setTimeout(done, ms));
}
