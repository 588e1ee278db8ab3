/**
 * One process that feeds parsers, so that a hang, a crash or a burst of memory costs a process and not the run.
 *
 * Before each call the number of the input is written into a file; when this process has to be killed, the parent
 * reads there which input did it.
 */
import { openSync, writeSync } from 'node:fs';
import { hexOf, inputOf, seedsOf } from './inputs.mjs';
import { minimise } from './minimise.mjs';
import { Broken, isExpected, openTargets } from './targets.mjs';

const targets = await openTargets();
const progress = openSync(process.argv[2], 'r+');
const mark = Buffer.alloc(8);
/** Processor time that one input may take before it counts as slow. */
const BUDGET_MS = 1000;
const GROWTH_OCTETS = 256 * 1024 * 1024;

async function outcomeOf(target, input) {
  try {
    const answer = target.run(input);
    if (answer instanceof Promise) await answer;
    return { accepted: true };
  } catch (error) {
    if (isExpected(error)) return { accepted: false };
    return { failure: failureOf(error) };
  }
}

function failureOf(error) {
  if (error instanceof Broken)
    return { what: `property: ${error.message}`, kind: `property: ${error.message.split(':')[0]}` };
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const at =
    /\((?:file:\/\/)?[^()]*\/dist\/([^()]+:\d+):\d+\)|at (?:file:\/\/)?\S*\/dist\/(\S+:\d+):\d+/.exec(stack);
  const name = error instanceof Error ? error.constructor.name : typeof error;
  const where = at?.[1] ?? at?.[2] ?? 'nowhere of ours';
  return {
    what: `${name} escapes: ${error instanceof Error ? error.message : String(error)} (${where})`.slice(
      0,
      400,
    ),
    kind: `${name} ${where}`,
  };
}

/** Wall time can belong to somebody else: only if the processor is busy for that long, three times over, is it ours. */
async function slowness(target, input) {
  let least = Infinity;
  for (let round = 0; round < 3; round++) {
    const before = process.cpuUsage();
    await outcomeOf(target, input);
    const used = process.cpuUsage(before);
    least = Math.min(least, (used.user + used.system) / 1000);
  }
  return least;
}

async function run({ id, seed, from, to, limitMs }) {
  const target = targets.get(id);
  const failures = new Map();
  const seeds = seedsOf(target);
  let accepted = 0;
  let number = from;
  let slowest = 0;
  const began = process.cpuUsage();
  for (; number < to; number++) {
    mark.writeDoubleLE(number);
    writeSync(progress, mark, 0, 8, 0);
    const input = inputOf(target, seeds, seed, number);
    const start = performance.now();
    const outcome = await outcomeOf(target, input);
    const took = performance.now() - start;
    slowest = Math.max(slowest, took);
    if (outcome.accepted) accepted++;
    else if (number < seeds.length && outcome.failure === undefined && target.seedsMayBeRefused !== true) {
      outcome.failure = {
        what: 'property: a seed is refused, so what follows from it reaches nothing',
        kind: 'seed',
      };
    }
    if (took > BUDGET_MS && (await slowness(target, input)) > BUDGET_MS)
      outcome.failure = { what: `slow: more than ${BUDGET_MS} ms of processor time`, kind: 'slow' };
    if (took > 20 && process.memoryUsage.rss() > GROWTH_OCTETS * 4)
      outcome.failure = { what: 'memory: the process has grown beyond a gigabyte', kind: 'memory' };
    if (outcome.failure !== undefined && !failures.has(outcome.failure.kind)) {
      const same = async (other) =>
        outcome.failure.kind === 'slow' || outcome.failure.kind === 'seed'
          ? false
          : (await outcomeOf(target, other)).failure?.kind === outcome.failure.kind;
      const least = await minimise(input, same);
      failures.set(outcome.failure.kind, { ...outcome.failure, number, ...hexOf(least) });
      if (failures.size >= 5) {
        number++;
        break;
      }
    }
    if (number % 256 === 0) {
      const used = process.cpuUsage(began);
      if ((used.user + used.system) / 1000 > limitMs) {
        number++;
        break;
      }
    }
  }
  const used = process.cpuUsage(began);
  return {
    id,
    inputs: number - from,
    accepted,
    slowestMs: Math.round(slowest),
    cpuMs: Math.round((used.user + used.system) / 1000),
    failures: [...failures.values()],
  };
}

process.on('message', async (order) => {
  if (order === 'end') process.exit(0);
  process.send(await run(order));
});
process.send({ ready: true });
