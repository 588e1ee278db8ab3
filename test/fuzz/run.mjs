/**
 * `npm run test:fuzz`: every exported reader gets inputs that nobody meant.
 *
 * The readers are found by the compiler (discover.mjs), so the list cannot fall behind; one that has neither a target
 * nor an argued exemption fails the run. Each target starts from valid inputs, changes them as what they are, and is
 * held to: only a Fault may escape, no input may take more than a second of processor time, what is accepted means
 * the same to a second reader and is written as it was read.
 *
 *   --quick          as many inputs as fit into about three minutes on two busy cores (CI)
 *   --inputs N       inputs for each reader (default 100,000)
 *   --minutes M      instead of a number: go on for that long, over all readers
 *   --seed S         default: taken from chance, and printed
 *   --only NAMES     readers whose name contains one of NAMES (with commas between them)
 *   --at NUMBER      one input by its number (with --seed and --only): replays a failure
 *   --hex HEX        one input by its octets (with --only)
 *   --list           what is found, and what becomes of it
 */
import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { discover } from './discover.mjs';
import { EXEMPT } from './exempt.mjs';
import { hexOf, inputFromHex, inputOf, seedsOf } from './inputs.mjs';
import { everyTarget, isExpected, openTargets } from './targets.mjs';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean' },
    inputs: { type: 'string' },
    minutes: { type: 'string' },
    seed: { type: 'string' },
    only: { type: 'string' },
    at: { type: 'string' },
    hex: { type: 'string' },
    list: { type: 'boolean' },
  },
});
const say = (text) => process.stdout.write(`${text}\n`);

/** A process that has used this much since its last input is hanging, not slow. */
const HANG_MS = 20_000;
const SLICE = 20_000;
const QUICK_MS = 100_000;

function gaps(found, targets) {
  const known = new Set(targets.map(({ id }) => id));
  const ids = new Set(found.map(({ id }) => id));
  return [
    ...found
      .filter(({ id }) => !known.has(id) && !Object.hasOwn(EXEMPT, id))
      .map(
        ({ id, way }) =>
          `${id} (${way}) is read by nobody here: give it a target in test/fuzz/targets, or a reason in test/fuzz/exempt.mjs`,
      ),
    ...targets
      .filter(({ id, beyond }) => beyond === undefined && !ids.has(id))
      .map(({ id }) => `${id} has a target and is no longer exported: remove the target`),
    ...Object.keys(EXEMPT)
      .filter((id) => !ids.has(id) || known.has(id))
      .map(
        (id) =>
          `${id} is exempt and ${known.has(id) ? 'has a target' : 'is no longer exported'}: remove the exemption`,
      ),
  ];
}

/** Processor time of a process so far, in milliseconds (proc(5), fields 14 and 15; ticks are 10 ms on Linux). */
function processorMs(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return undefined;
  }
}

/** A process that feeds; it is replaced when it hangs or dies, and the input that did it is known. */
class Feeder {
  #directory;
  #number;
  #found;
  #child;

  constructor(directory, number, found) {
    [this.#directory, this.#number, this.#found] = [directory, number, found];
  }

  async #start() {
    const progress = join(this.#directory, `progress-${this.#number}`);
    writeFileSync(progress, Buffer.alloc(8));
    const child = fork(join(import.meta.dirname, 'worker.mjs'), [progress, JSON.stringify(this.#found)], {
      execArgv: ['--max-old-space-size=512', '--disable-warning=ExperimentalWarning'],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // What a process leaves behind that had to be killed goes with the directory.
      env: { ...process.env, TMPDIR: this.#directory },
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text) => (said = (said + text).slice(-2000)));
    await new Promise((ready, reject) => {
      child.once('message', ready);
      child.once('exit', () => reject(new Error(`a feeding process did not start:\n${said}`)));
    });
    this.#child = {
      child,
      progress,
      said: () => (said === '' ? '' : `: ${said.trim().split('\n').slice(-8).join(' | ')}`),
    };
  }

  /** @returns {Promise<any>} what the worker answers, or what became of it */
  async feed(order) {
    if (this.#child === undefined) await this.#start();
    const { child, progress } = this.#child;
    const current = () => readFileSync(progress).readDoubleLE(0);
    return await new Promise((settle) => {
      let last = -1;
      /** @type {number | undefined} processor time when this input was first seen */
      let since;
      const gone = (what) => {
        clearInterval(watch);
        this.#child = undefined;
        const number = current();
        settle({
          id: order.id,
          lost: true,
          inputs: Math.max(0, number - order.from),
          accepted: 0,
          slowestMs: 0,
          cpuMs: 0,
          failures: [{ what, kind: `${what.slice(0, 5)} ${number}`, number }],
        });
      };
      const ended = (code, signal) =>
        gone(`crash: the process ended with ${signal ?? code}${this.#child.said()}`);
      const watch = setInterval(() => {
        const now = processorMs(child.pid);
        const number = current();
        if (number !== last) [last, since] = [number, undefined];
        // What the kernel did not say at one look it says at the next.
        if (now === undefined) return;
        since ??= now;
        if (now - since > HANG_MS) {
          child.off('exit', ended);
          child.kill('SIGKILL');
          gone(`hang: more than ${HANG_MS / 1000} s of processor time on one input`);
        }
      }, 500);
      child.once('exit', ended);
      child.once('message', (answer) => {
        clearInterval(watch);
        child.off('exit', ended);
        settle(answer);
      });
      child.send(order);
    });
  }

  end() {
    this.#child?.child.send('end');
  }
}

async function replay(target, seed) {
  const seeds = seedsOf(target);
  const input =
    options.hex === undefined
      ? inputOf(target, seeds, seed, Number(options.at))
      : inputFromHex(target, options.hex);
  say(`${target.id}, seed ${seed}, input ${options.at ?? 'given'}: ${hexOf(input).hex.slice(0, 4000)}`);
  try {
    await target.run(input);
    say('accepted');
    return 0;
  } catch (error) {
    say(
      isExpected(error)
        ? `refused: ${error.code}: ${error.message}`
        : `FAILS\n${error instanceof Error ? error.stack : String(error)}`,
    );
    return isExpected(error) ? 0 : 1;
  }
}

async function main() {
  const found = discover();
  const all = await everyTarget();
  const missing = gaps(found, all);
  if (options.list) {
    const known = new Set(all.map(({ id }) => id));
    for (const { id, way } of found)
      say(`${id} (${way}): ${known.has(id) ? 'fed' : (EXEMPT[id] ?? 'MISSING')}`);
  }
  for (const line of missing) say(`✗ ${line}`);
  if (options.list) return missing.length === 0 ? 0 : 1;

  const seed = options.seed ?? randomBytes(4).toString('hex');
  const targets = all.filter(
    ({ id }) => options.only === undefined || options.only.split(',').some((one) => id.includes(one)),
  );
  if (targets.length === 0) throw new Error(`no reader is called ${options.only}`);
  if (options.at !== undefined || options.hex !== undefined) {
    const open = await openTargets(found);
    return await replay(open.get(targets.find(({ id }) => id === options.only)?.id ?? targets[0].id), seed);
  }

  const wanted = Number(options.inputs ?? 100_000);
  if (!Number.isSafeInteger(wanted) || wanted < 1) throw new Error('--inputs takes a whole number');
  const allMs = options.minutes === undefined ? undefined : Number(options.minutes) * 60_000;
  const processes = Math.max(1, Math.min(availableParallelism(), 4, targets.length));
  const each =
    allMs !== undefined
      ? (allMs * processes) / targets.length
      : options.quick
        ? (QUICK_MS * processes) / Math.max(targets.length, 40) / 2
        : Infinity;
  const most = allMs === undefined ? wanted : Infinity;
  say(
    `fuzz: seed ${seed}, ${found.length} readers found, ${targets.length} targets, ${Object.keys(EXEMPT).length} exempt, ${processes} processes`,
  );

  const results = [];
  const waiting = [...targets];
  const directory = mkdtempSync(join(tmpdir(), 'airseal-fuzz-'));
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
  const began = Date.now();
  await Promise.all(
    Array.from({ length: processes }, async (_none, number) => {
      const feeder = new Feeder(directory, number, found);
      for (let target = waiting.shift(); target !== undefined; target = waiting.shift())
        results.push(await feedWhole(feeder, target.id, seed, most, each));
      feeder.end();
    }),
  );
  return report(results, seed, missing, began);
}

/** In slices, so that what hangs on one input goes on behind it. */
async function feedWhole(feeder, id, seed, most, limitMs) {
  const whole = { id, inputs: 0, accepted: 0, slowestMs: 0, cpuMs: 0, failures: [] };
  for (let from = 0; from < most && whole.cpuMs < limitMs && whole.failures.length < 5;) {
    const answer = await feeder.feed({
      id,
      seed,
      from,
      to: Math.min(most, from + SLICE),
      limitMs: limitMs - whole.cpuMs,
    });
    const lost = answer.lost === true;
    whole.inputs += answer.inputs + (lost ? 1 : 0);
    whole.accepted += answer.accepted;
    whole.cpuMs += answer.cpuMs;
    whole.slowestMs = Math.max(whole.slowestMs, answer.slowestMs);
    for (const failure of answer.failures)
      if (!whole.failures.some(({ kind }) => kind === failure.kind)) whole.failures.push(failure);
    from += Math.max(1, answer.inputs + (lost ? 1 : 0));
  }
  const failed = whole.failures.length > 0;
  say(
    `${failed ? '✗' : '✓'} ${id.padEnd(58)} ${String(whole.inputs).padStart(8)} inputs  ${String(Math.round((100 * whole.accepted) / Math.max(1, whole.inputs))).padStart(3)} % accepted  ${(whole.cpuMs / 1000).toFixed(1).padStart(6)} s  slowest ${whole.slowestMs} ms`,
  );
  for (const { what, number, hex } of whole.failures) {
    say(
      `    ${what}\n    seed ${seed}, input ${number}${hex === undefined ? '' : `; least input: ${hex.length > 2000 ? `${hex.slice(0, 2000)}…` : hex}`}`,
    );
    say(`    npm run test:fuzz -- --only '${id}' --seed ${seed} --at ${number}`);
  }
  return whole;
}

function report(results, seed, missing, began) {
  const broken = results.filter(({ failures }) => failures.length > 0);
  const inputs = results.reduce((sum, one) => sum + one.inputs, 0);
  const least = Math.min(...results.map((one) => one.inputs));
  say(
    `\nfuzz: ${inputs} inputs for ${results.length} readers (at least ${least} each) in ${Math.round((Date.now() - began) / 1000)} s, seed ${seed}`,
  );
  say(`${results.length - broken.length} passed, ${broken.length + missing.length} failed`);
  return broken.length + missing.length === 0 ? 0 : 1;
}

// By way of an exit, at which everything that was made for the run is removed.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130));
process.exitCode = await main();
