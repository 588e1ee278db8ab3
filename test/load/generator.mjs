/**
 * The load, in a process of its own: asked over IPC for one measurement at a time, and answers with numbers.
 *
 *   { work: 'closed', kind, connections, windowMs, windows, warmUpMs }
 *   { work: 'fixed', kind, rate, windowMs, windows }
 *   { work: 'proofs', count }
 */
import { randomInt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { requestBytes } from './connections.mjs';
import { closedLoop, fixedRate, median, quantile, withConnections } from './drive.mjs';
import { appendsV1 } from './requests/appends-v1.mjs';
import { appendsV2 } from './requests/appends-v2.mjs';
import { certificateRequests, sample } from './requests/certificates.mjs';
import { makeSigners } from './requests/signers.mjs';
import { timestampRequests } from './requests/timestamps.mjs';
import { processesOf, usedBy, usedByAll } from './processes.mjs';
import { readSite } from './site.mjs';

const SIGNERS = 200;
const site = readSite(/** @type {string} */ (process.argv[2]));
/** Microseconds used so far. @returns {Record<string, number>} */
const processorTimes = () => ({ ...usedBy(processesOf(site.stateDir)), generator: process.cpuUsage().user + process.cpuUsage().system });
const signers = await makeSigners(site, SIGNERS);
const v1 = appendsV1(site, signers);
const kinds = { v2: appendsV2(site, signers), v1, certificates: certificateRequests(site), timestamps: timestampRequests(site) };
/** Requests to prepare for a second: more than the last window could use. @type {Record<string, number>} */
const perSecond = { v2: 1500, v1: 1500, certificates: 600, timestamps: 2000 };

/** @param {Record<string, number>} times */
const sum = (times) => Object.values(times).reduce((all, time) => all + time, 0);

/** @param {{ kind: keyof typeof kinds, connections: number, windowMs: number, windows: number, warmUpMs: number }} job */
async function closed({ kind, connections: count, windowMs, windows, warmUpMs }) {
  const requests = kinds[kind];
  const errors = [];
  const rates = [];
  /** @type {number[]} */
  const times = [];
  /** Microseconds of processor time, by process. @type {Record<string, number>} */
  const costs = {};
  /** Share of all processors that others took. @type {number[]} */
  const others = [];
  let counted = 0;
  let checked = 0;
  for (let window = -1; window < windows; window++) {
    const ms = window < 0 ? warmUpMs : windowMs;
    const queue = await requests.prepare(Math.ceil(((perSecond[kind] ?? 1000) * 1.5 * ms) / 1000) + count);
    const [before, allBefore, begun] = [processorTimes(), usedByAll(), performance.now()];
    const result = await withConnections(requests.url, site.ca, count, (connections) => closedLoop(connections, queue, ms, requests.expected));
    const [after, allAfter, ended] = [processorTimes(), usedByAll(), performance.now()];
    requests.check(result.answered);
    checked += result.answered.length;
    errors.push(...result.errors);
    perSecond[kind] = result.perSecond * 1.1;
    if (window < 0) continue;
    rates.push(result.perSecond);
    for (const [name, time] of Object.entries(after)) {
      costs[name] = (costs[name] ?? 0) + (time - (before[name] ?? 0));
    }
    counted += result.answered.length;
    const ours = sum(after) - sum(before);
    others.push(Math.max(0, allAfter - allBefore - ours) / ((ended - begun) * 1000 * availableParallelism()));
    for (const { ms: time } of result.answered) times.push(time);
  }
  for (const name of Object.keys(costs)) costs[name] = Math.round((costs[name] ?? 0) / Math.max(1, counted));
  return { perSecond: median(rates), costs, others: median(others), room: (availableParallelism() * 1e6) / sum(costs), p50: median(times), p99: quantile(times, 0.99), checked, errors };
}

/** @param {{ kind: keyof typeof kinds, rate: number, windowMs: number, windows: number }} job */
async function fixed({ kind, rate, windowMs, windows }) {
  const requests = kinds[kind];
  const errors = [];
  const medians = [];
  const slowest = [];
  let checked = 0;
  for (let window = -1; window < windows; window++) {
    const ms = window < 0 ? 1000 : windowMs;
    const queue = await requests.prepare(Math.ceil((rate * ms) / 1000));
    const result = await withConnections(requests.url, site.ca, 256, (connections) => fixedRate(connections, queue, rate, requests.expected));
    requests.check(result.answered);
    checked += result.answered.length;
    errors.push(...result.errors);
    if (window < 0) continue;
    medians.push(quantile(result.answered.map(({ ms: time }) => time), 0.5));
    slowest.push(quantile(result.answered.map(({ ms: time }) => time), 0.99));
  }
  return { p50: median(medians), p99: median(slowest), checked, errors };
}

/** One caller, one question after the other: what a proof costs, not how many callers there are. @param {{ count: number }} job */
function proofs({ count }) {
  return withConnections(site.origin, site.ca, 1, ([connection]) => proofsOver(/** @type {import('./connections.mjs').Connection} */ (connection), count));
}

/** @param {import('./connections.mjs').Connection} connection @param {number} count */
async function proofsOver(connection, count) {
  const errors = /** @type {string[]} */ ([]);
  const ask = async (/** @type {URL} */ url) => {
    const at = performance.now();
    const answer = await connection.ask(requestBytes('GET', url, {}));
    if (answer.status !== 200) errors.push(`${answer.status} ${answer.body.toString('utf8', 0, 200)}`);
    return { ms: performance.now() - at, body: answer.body };
  };
  const { treeSize } = JSON.parse((await ask(new URL('/api/v1/log', site.origin))).body.toString('utf8'));
  const consistency = () => {
    const [first, last] = [randomInt(1, treeSize + 1), randomInt(1, treeSize + 1)].sort((a, b) => a - b);
    return new URL(`/api/v1/log/proof?firstSize=${first}&lastSize=${last}`, site.origin);
  };
  const known = sample(v1.entryIds, count);
  const entry = () => new URL(`/api/v1/log/entries/${known[randomInt(known.length)]}`, site.origin);
  /** @type {Record<string, number>} */
  const p99 = {};
  for (const [name, url] of /** @type {const} */ ([['consistency', consistency], ['entry', entry]])) {
    for (let warm = 0; warm < count / 5; warm++) await ask(url());
    const times = [];
    for (let asked = 0; asked < count; asked++) times.push((await ask(url())).ms);
    p99[name] = quantile(times, 0.99);
  }
  return { treeSize, p99, checked: 2 * count, errors };
}

const work = { closed, fixed, proofs };

process.on('message', (/** @type {any} */ job) => {
  work[/** @type {keyof typeof work} */ (job.work)](job).then(
    (result) => process.send?.({ result }),
    (/** @type {unknown} */ error) => process.send?.({ failure: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
process.send?.({ result: 'ready' });
