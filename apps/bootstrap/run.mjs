/**
 * The launcher behind every npm script, in plain Node.js 18 and up and without a dependency.
 *
 * A clone has nothing but this. It installs what is missing, then hands over to the pinned Node.js by path, in
 * which everything else runs: `node` on PATH is whatever the system has, and is used for nothing more.
 */
import { fileURLToPath } from 'node:url';
import { asHalt, foreground, Halt } from './src/command.mjs';
import { ensureAddons, ensurePackages } from './src/install.mjs';
import { pinnedNode, repository } from './src/paths.mjs';
import { walk } from './src/progress.mjs';
import { stateRoot } from './src/state.mjs';
import { ensureSystemPackages } from './src/system-packages.mjs';

/** What each verb needs before it can run, and what it is for. */
const verbs = {
  up: { needs: 'all', about: 'install what is missing, start everything, sign a first file [--port N] [--state DIR]' },
  down: { needs: 'nothing', about: 'end what `up` started [--state DIR]' },
  status: { needs: 'nothing', about: 'how each process is [--state DIR]' },
  reset: { needs: 'nothing', about: 'delete the state directory [--state DIR] --yes' },
  build: { needs: 'packages', about: 'compile into dist/' },
  types: { needs: 'packages', about: 'check all types' },
  lint: { needs: 'packages', about: 'lint, types known' },
  rules: { needs: 'packages', about: 'check who may import whom' },
  format: { needs: 'packages', about: 'rewrite in the one format [--check]' },
  check: { needs: 'packages', about: 'types, lint and rules' },
  openapi: { needs: 'all', about: 'write docs/openapi from what the doors declare' },
  test: { needs: 'all', about: 'unit tests, live tests, journeys' },
  'test:unit': { needs: 'all', about: 'unit tests only [jest arguments]' },
  'test:live': { needs: 'all', about: 'tests against real PostgreSQL, Redis and SoftHSM only' },
  'test:journeys': { needs: 'all', about: 'journeys through a built appliance only' },
  'test:interop': { needs: 'all', about: 'other people’s clients against this appliance' },
  'test:crash': { needs: 'all', about: 'kill it at every step, and prove what it answered [--quick] [--seed N]' },
  'test:soak': { needs: 'all', about: 'mixed load with faults at random [--minutes N] [--quick] [--seed N]' },
  'test:sealed': { needs: 'all', about: 'a whole installation without any network: nothing tries to leave' },
  'test:fuzz': { needs: 'all', about: 'inputs that nobody meant, for every exported reader [--quick] [--only NAMES] [--seed S]' },
  bench: { needs: 'all', about: 'measure [--quick] [--output json]' },
};

/** Steps before the hand-over; the numbering of those after it goes on from here. */
const installSteps = [
  { name: 'system packages', run: ensureSystemPackages },
  { name: 'npm packages, and with them the pinned Node.js', run: ensurePackages },
  { name: 'native addons', run: ensureAddons },
];
const upStepsAfter = 10;
/** Environment of the second start, on the pinned Node.js: everything before it has been done. */
const handedOver = 'AIRSEAL_HANDED_OVER';

const [verb = '', ...rest] = process.argv.slice(2);
process.exitCode = await main();

async function main() {
  try {
    if (Number(process.versions.node.split('.')[0]) < 18) throw new Halt(`Node.js ${process.versions.node} is too old`, 'install Node.js 18 or newer');
    const known = Object.hasOwn(verbs, verb) ? verbs[/** @type {keyof typeof verbs} */ (verb)] : undefined;
    if (known === undefined) {
      for (const [name, { about }] of Object.entries(verbs)) process.stdout.write(`  npm run ${name.padEnd(14)} ${about}\n`);
      return verb === '' || verb === 'help' ? 0 : 2;
    }
    assertKnownWords();
    if (known.needs === 'nothing') return await manage();

    // Newer npm puts the pinned Node.js first on PATH, so running on it does not say that all is installed.
    if (process.env[handedOver] !== repository) {
      if (verb === 'up') await walk(installSteps, { done: 0, total: installSteps.length + upStepsAfter });
      else await quietly(known.needs === 'all' ? installSteps : installSteps.slice(1, 2));
      const env = { ...process.env, [handedOver]: repository };
      return foreground(pinnedNode, [fileURLToPath(import.meta.url), verb, ...rest], { cwd: repository, env });
    }
    // Not for what we start: another verb, run from a test, looks for itself.
    delete process.env[handedOver];
    if (verb === 'up') return await up();
    const { runTool } = await import('./src/tools.mjs');
    return await runTool(verb, rest);
  } catch (cause) {
    const halt = asHalt(cause);
    if (halt === undefined) throw cause;
    process.stderr.write(`\n${verb}: ${halt.message}\n`);
    if (halt.advice !== undefined) process.stderr.write(`\n  → ${halt.advice}\n`);
    return 1;
  }
}

/** Only steps that have work to do say a word. @param {typeof installSteps} steps */
async function quietly(steps) {
  for (const step of steps) {
    const began = Date.now();
    const result = await step.run();
    if (Date.now() - began > 2000) process.stdout.write(`${step.name}: ${result}\n`);
  }
}

async function up() {
  const { upSteps, farewell } = await import('./src/up.mjs');
  const { ensureBuild } = await import('./src/build.mjs');
  const { exclusively } = await import('./src/state.mjs');
  const root = stateRoot(option('--state'));
  const port = option('--port');
  if (port !== undefined && !(/^[1-9]\d{0,4}$/.test(port) && Number(port) < 65_536)) throw new Halt(`${port} is not a port`, 'npm run up -- --port 9443');
  const plan = upSteps({ root, port: port === undefined ? undefined : Number(port) });
  const steps = [{ name: 'compiling', run: ensureBuild }, ...plan.steps];
  await exclusively(root, () => walk(steps, { done: installSteps.length, total: installSteps.length + steps.length }));
  process.stdout.write(farewell(plan.state()));
  return 0;
}

async function manage() {
  const { down, status, reset } = await import('./src/down.mjs');
  const root = stateRoot(option('--state'));
  if (verb === 'down') return down(root);
  if (verb === 'status') return status(root);
  return reset(root, rest.includes('--yes'));
}

/** A misspelt --state would work on another installation than was meant. */
function assertKnownWords() {
  const takes = { up: ['--state', '--port'], down: ['--state'], status: ['--state'], reset: ['--state', '--yes'] };
  if (!Object.hasOwn(takes, verb)) return;
  const known = takes[/** @type {keyof typeof takes} */ (verb)];
  for (let at = 0; at < rest.length; at++) {
    const [name = '', joined] = (rest[at] ?? '').split('=', 2);
    if (!known.includes(name)) throw new Halt(`${verb} does not take ${rest[at]}`, `npm run ${verb} -- takes ${known.join(', ')}`);
    if (name === '--yes' || joined !== undefined) continue;
    at += 1;
    if (rest[at] === undefined || rest[at]?.startsWith('--')) throw new Halt(`${name} needs a value`, `npm run ${verb} -- ${name} …`);
  }
}

/** @param {string} name @returns {string | undefined} the word after it, or after its `=` */
function option(name) {
  const joined = rest.find((word) => word.startsWith(`${name}=`));
  if (joined !== undefined) return joined.slice(name.length + 1);
  const at = rest.indexOf(name);
  return at < 0 ? undefined : rest[at + 1];
}
