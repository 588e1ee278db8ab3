/**
 * `npm run bench`: what the appliance does in a second, on a fresh installation of its own.
 *
 * A closed loop from one process of its own over keep-alive TLS to the real doors, with PostgreSQL, Redis, the HSM
 * agent and the appliance on the same cores; every answer is checked after its window (docs/benchmarks.md).
 *
 *   --quick          shorter windows, at most 90 seconds in all; for CI
 *   --output json    one object per line: {name, value, unit, goal, holds}
 *   --leaves N       also load N leaves into both logs, and measure start, proofs and appends on top of them
 *   --slow-token MS  each signature of the token takes so much longer, 70 ms by default
 *   --only a,b       only some of: appends, certificates, timestamps, proofs, start, check, memory, command, hsm, drafts
 *
 * A missed goal is a fact and no failure; an error is: exit code 1.
 */
import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { bringUp, takeDown } from '../kit/bring-up.mjs';
import { applianceColdStart, output, verifyBlobColdStart } from './cold-start.mjs';
import { measureDrafts } from './drafts.mjs';
import { atLeast, atMost, line, record } from './figures.mjs';
import { memoryOf } from './processes.mjs';
import { readSite } from './site.mjs';
import { slowToken } from './slow-token.mjs';
import { wholeCheck } from './whole-check.mjs';

const words = process.argv.slice(2);
const quick = words.includes('--quick');
const json = option('--output') === 'json';
const leaves = Number(option('--leaves') ?? 0);
const only = option('--only')?.split(',');
/** What the token adds to each signature; `undefined` leaves it as it is. */
const slowMs = words.some((word) => word.startsWith('--slow-token')) ? Number(option('--slow-token')) || 70 : undefined;
const wanted = (/** @type {string} */ part) => only === undefined || only.includes(part);

const windows = quick ? { windowMs: 1500, windows: 3, warmUpMs: 1500 } : { windowMs: 10_000, windows: 5, warmUpMs: 5000 };
/** Callers at once: enough to keep both cores busy, few enough that an answer comes within the client's patience. */
const callers = { v2: 192, v1: slowMs === undefined ? 128 : 32, certificates: slowMs === undefined ? 64 : 32, timestamps: 32 };

let errors = 0;

/** What takes a signature for each answer is bound to the token's speed: behind a slow one it has no goal. @param {number} goal */
const perSignature = (goal) => (slowMs === undefined ? goal : undefined);

async function main() {
  // Steps of the bootstrap print to standard output, which belongs to the figures.
  const description = await toStandardError(bringUp);
  try {
    await measure(description);
  } finally {
    await toStandardError(() => takeDown(description));
  }
  if (errors > 0) process.stderr.write(`${errors} errors\n`);
  return errors > 0 ? 1 : 0;
}

/** @param {string} description */
async function measure(description) {
  const installation = JSON.parse(readFileSync(description, 'utf8'));
  const site = readSite(description);
  if (wanted('drafts')) {
    const drafts = measureDrafts(site);
    tell('certificate draft, precertificate and final', drafts.leaf, 'us');
    tell('certificate draft, times cheaper than by library', drafts.peculiarLeaf / drafts.leaf, 'x');
    tell('timestamp token draft', drafts.token, 'us');
    tell('timestamp token draft, times cheaper than by library', drafts.peculiarToken / drafts.token, 'x');
  }
  if (wanted('command')) {
    const taken = verifyBlobColdStart(installation, quick ? 5 : 15);
    tell('airseal verify-blob, cold', taken['ours'] ?? NaN, 'ms');
    if (taken['cosign'] === undefined) process.stderr.write('cosign is not there (npm run test:interop installs it): no comparison\n');
    else {
      tell('cosign verify-blob, cold', taken['cosign'], 'ms');
      tell('cosign version, cold', taken['cosignVersion'] ?? NaN, 'ms');
      tell('airseal verify-blob, share of cosign verify-blob', (taken['ours'] ?? NaN) / taken['cosign'], 'x', atMost(1));
    }
  }
  // Nine seconds of signing, too long for the quick form unless it is asked for.
  if (wanted('hsm') && (!quick || only !== undefined)) await measureToken(installation);
  if (wanted('start')) tell('cold start', await toStandardError(() => applianceColdStart(site.stateDir, quick ? 1 : 5)), 's', atMost(2));

  const slower = slowMs === undefined ? undefined : await toStandardError(() => slowToken(site.stateDir));
  let generator = await Generator.start(description);
  if (slowMs !== undefined) slower?.(slowMs);
  let most = memoryOf(site.stateDir);
  const remember = () => (most = Math.max(most, memoryOf(site.stateDir)));
  const small = await measureDoors(generator, slowMs === undefined ? '' : ` with a token of ${slowMs} ms`, remember);
  if (wanted('memory')) tell('our processes after the load, most seen (PSS)', most / 2 ** 20, 'MiB', atMost(512));
  generator.stop();

  if (leaves > 0) {
    const { preload } = await import('./preload.mjs');
    const loaded = await toStandardError(() => preload(site, leaves));
    tell(`loading ${leaves} leaves, v2`, loaded.v2, '1/s');
    tell(`loading ${leaves} leaves, v1`, loaded.v1, '1/s');
    tell(`cold start at ${leaves} leaves`, await toStandardError(() => applianceColdStart(site.stateDir, 3)), 's', atMost(2));
    // Ten million in five minutes.
    if (wanted('check')) tell(`log fsck of ${leaves} leaves of v2`, wholeCheck(installation), '1/s', leaves < 1_000_000 ? undefined : atLeast(33_000));
    generator = await Generator.start(description);
    const large = await measureDoors(generator, ` at ${leaves} leaves`, remember);
    generator.stop();
    if (small !== undefined && large !== undefined) {
      tell(`v2 appends at ${leaves} leaves, share of the small log's`, large / small, 'x', atLeast(0.9));
    }
  }
}

/**
 * @param {Generator} generator @param {string} where @param {() => void} remember
 * @returns {Promise<number | undefined>} v2 appends a second
 */
async function measureDoors(generator, where, remember) {
  /** @type {number | undefined} */
  let appends;
  const loop = async (/** @type {keyof typeof callers} */ kind, /** @type {string} */ name, /** @type {number | undefined} */ goal) => {
    const result = await generator.ask({ work: 'closed', kind, connections: callers[kind], ...windows });
    tell(`${name}${where}`, result.perSecond, '1/s', goal === undefined ? undefined : atLeast(goal));
    tell(`${name}${where}, p99 with ${callers[kind]} callers`, result.p99, 'ms');
    for (const [process, cost] of Object.entries(result.costs)) {
      if (cost >= 5) tell(`${name}${where}, processor time each: ${process}`, cost, 'us');
    }
    tell(`${name}${where}, what the processor time would allow`, result.room, '1/s');
    tell(`${name}${where}, share of the processors that others took`, result.others, 'x');
    count(result);
    remember();
    return result.perSecond;
  };
  if (wanted('appends') || wanted('proofs')) {
    appends = await loop('v2', 'v2 appends, proof verified', 2000);
    const steady = await generator.ask({ work: 'fixed', kind: 'v2', rate: 500, windowMs: windows.windowMs, windows: quick ? 2 : 3 });
    tell(`time to proof at 500 v2 appends/s${where}, p50`, steady.p50, 'ms', atMost(slowMs === undefined ? 250 : 500));
    tell(`time to proof at 500 v2 appends/s${where}, p99`, steady.p99, 'ms');
    count(steady);
    await loop('v1', 'v1 appends with SET', perSignature(1000));
  }
  if (wanted('certificates')) await loop('certificates', 'certificates with SCT', perSignature(600));
  if (wanted('timestamps')) await loop('timestamps', 'timestamps', perSignature(2000));
  if (wanted('proofs')) {
    const { treeSize, p99, ...rest } = await generator.ask({ work: 'proofs', count: quick ? 500 : 3000 });
    tell(`consistency proof (v1 log/proof) at ${treeSize} leaves, p99`, p99.consistency, 'ms', atMost(5));
    tell(`entry with proof (v1, by UUID) at ${treeSize} leaves, p99`, p99.entry, 'ms', atMost(5));
    count(rest);
  }
  return appends;
}

/** @param {{ node: string, commandLine: string, stateDir: string }} installation */
async function measureToken({ node, commandLine, stateDir }) {
  const { figures } = JSON.parse(await output(node, [commandLine, '--state', stateDir, 'hsm', 'bench', '--output', 'json']));
  for (const { algorithm, outstanding, perSecond, medianMs } of figures) {
    tell(`token, ${algorithm}, ${outstanding} outstanding`, perSecond, '1/s');
    tell(`token, ${algorithm}, ${outstanding} outstanding, p50`, medianMs, 'ms');
  }
}

/** @param {{ errors: string[], checked: number }} result */
function count({ errors: some, checked }) {
  errors += some.length;
  if (some.length > 0) process.stderr.write(`${some.length} errors beside ${checked} good answers, the first: ${some[0]}\n`);
}

/** @param {string} name @param {number} value @param {string} unit @param {import('./figures.mjs').Figure['goal']} [goal] */
function tell(name, value, unit, goal) {
  const figure = { name, value, unit, ...(goal === undefined ? {} : { goal }) };
  process.stdout.write(`${json ? JSON.stringify(record(figure)) : line(figure)}\n`);
}

/** The process that makes the load. */
class Generator {
  #child;

  /** @param {import('node:child_process').ChildProcess} child */
  constructor(child) {
    this.#child = child;
  }

  /** @param {string} description */
  static async start(description) {
    const child = fork(new URL('./generator.mjs', import.meta.url), [description], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const generator = new Generator(child);
    await generator.#next();
    return generator;
  }

  /** @param {object} job @returns {Promise<any>} */
  ask(job) {
    const answer = this.#next();
    this.#child.send(job);
    return answer;
  }

  stop() {
    this.#child.disconnect();
  }

  #next() {
    return new Promise((resolve, reject) => {
      const ended = (/** @type {number | null} */ code) => reject(new Error(`the load generator ended with ${code}`));
      this.#child.once('exit', ended);
      this.#child.once('message', (/** @type {any} */ message) => {
        this.#child.off('exit', ended);
        if ('failure' in message) reject(new Error(message.failure));
        else resolve(message.result);
      });
    });
  }
}

/** @template T @param {() => Promise<T>} work whose words are not figures */
async function toStandardError(work) {
  const write = process.stdout.write;
  process.stdout.write = /** @type {any} */ (process.stderr.write.bind(process.stderr));
  try {
    return await work();
  } finally {
    process.stdout.write = write;
  }
}


/** @param {string} name @returns {string | undefined} the word after it, or after its `=` */
function option(name) {
  const joined = words.find((word) => word.startsWith(`${name}=`));
  if (joined !== undefined) return joined.slice(name.length + 1);
  const at = words.indexOf(name);
  return at < 0 ? undefined : words[at + 1];
}

process.exitCode = await main();
