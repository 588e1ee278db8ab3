/**
 * The client under whom things crash, a process of its own: it goes on asking whatever happens, and knows only what it
 * was told.
 *
 *   DESCRIPTION of the installation · DIRECTORY for what it writes · LANES as JSON: `{"v1": 4, …}` · PAUSE in ms
 *
 * Every answer that promises something goes to `acknowledgements.jsonl`, durably, before it counts; every other answer
 * and every broken connection to `errors.jsonl`. An entry that was not answered is sent again, as clients do; the log
 * may then say that it has it already, and where.
 */
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { Connection, requestBytes } from '../../load/connections.mjs';
import { appendsV1 } from '../../load/requests/appends-v1.mjs';
import { appendsV2 } from '../../load/requests/appends-v2.mjs';
import { certificateRequests } from '../../load/requests/certificates.mjs';
import { makeSigners } from '../../load/requests/signers.mjs';
import { timestampRequests } from '../../load/requests/timestamps.mjs';
import { readSite } from '../../load/site.mjs';
import { Acknowledgements } from './acknowledgements.mjs';

const [, , description = '', directory = '', lanesText = '{}', pauseText = '0', signersFrom = description] =
  process.argv;
const site = readSite(description);
const pauseMs = Number(pauseText);
const acknowledgements = await Acknowledgements.open(join(directory, 'acknowledgements.jsonl'));
const errors = await Acknowledgements.open(join(directory, 'errors.jsonl'));

const signers = await makeSigners(readSite(signersFrom), 16);
/** Entries that may be asked for. @type {string[]} */
const known = [];

/** Counted once it is durable. @type {Record<string, number>} */
const acknowledged = {};
let failed = 0;
let underWay = 0;
let running = false;
let ended = false;
/** @type {(() => void)[]} */
const wakers = [];

/**
 * @typedef {object} Kind
 * @property {URL} url
 * @property {number} expected
 * @property {(count: number) => Promise<import('../../load/drive.mjs').Asked[]>} prepare
 * @property {boolean} again whether an unanswered one is sent again
 * @property {(asked: import('../../load/drive.mjs').Asked) => string} context
 * @property {'utf8' | 'base64'} [encoding] absent where nothing is promised
 */

/** @param {string} path @param {() => Buffer} request @returns {Kind} */
const reading = (path, request) => ({
  url: new URL(path, site.origin),
  expected: 200,
  prepare: async (count) => Array.from({ length: count }, () => ({ request: request(), context: undefined })),
  again: false,
  context: () => path,
});

/** @type {Record<string, Kind>} */
const kinds = {
  v1: {
    ...appendsV1(site, signers),
    again: true,
    context: ({ context }) => /** @type {Buffer} */ (context).toString('hex'),
    encoding: 'utf8',
  },
  v2: {
    ...appendsV2(site, signers),
    again: true,
    context: ({ context }) => /** @type {Buffer} */ (context).toString('base64'),
    encoding: 'utf8',
  },
  certificate: { ...certificateRequests(site), again: false, context: () => site.identity, encoding: 'utf8' },
  timestamp: {
    ...timestampRequests(site),
    again: false,
    context: ({ context }) => /** @type {{ message: Buffer }} */ (context).message.toString('base64'),
    encoding: 'base64',
  },
  'read-entry': reading('/api/v1/log/entries', () => {
    const uuid = known[randomInt(Math.max(1, known.length))];
    return requestBytes(
      'GET',
      new URL(uuid === undefined ? '/api/v1/log' : `/api/v1/log/entries/${uuid}`, site.origin),
      {},
    );
  }),
  'read-head': reading('/api/v1/log', () => requestBytes('GET', new URL('/api/v1/log', site.origin), {})),
  search: reading('/api/v1/index/retrieve', () =>
    requestBytes(
      'POST',
      new URL('/api/v1/index/retrieve', site.origin),
      { 'content-type': 'application/json' },
      Buffer.from(
        JSON.stringify({
          hash: `sha256:${searched[randomInt(Math.max(1, searched.length))] ?? '0'.repeat(64)}`,
        }),
      ),
    ),
  ),
};
/** Digests that are in the v1 log. @type {string[]} */
const searched = [];

for (const [name, count] of Object.entries(/** @type {Record<string, number>} */ (JSON.parse(lanesText)))) {
  const kind = kinds[name];
  if (kind === undefined) throw new Error(`there is no kind ${name}`);
  for (let lane = 0; lane < count; lane++) void ask(name, kind);
}
process.on('message', (/** @type {{ order: string }} */ { order }) => {
  if (order === 'run') {
    running = true;
    for (const wake of wakers.splice(0)) wake();
  } else if (order === 'rest') {
    running = false;
    void rested().then(() => tell('rested'));
  } else if (order === 'count') tell('counted');
});
process.on('disconnect', () => {
  ended = true;
  process.exit(0);
});
tell('ready');

/** @param {string} what */
function tell(what) {
  process.send?.({ what, acknowledged, failed });
}

async function rested() {
  while (underWay > 0) await sleep(10);
}

/** @param {number} ms */
function sleep(ms) {
  return new Promise((done) => setTimeout(done, ms));
}

/** One caller: one request after the other, over one connection while it holds. @param {string} name @param {Kind} kind */
async function ask(name, kind) {
  /** @type {import('../../load/drive.mjs').Asked[]} */
  const queue = [];
  /** @type {Connection | undefined} */
  let connection;
  /** Sent before, and not answered. @type {import('../../load/drive.mjs').Asked | undefined} */
  let doubtful;
  while (!ended) {
    if (!running) {
      connection?.close();
      connection = undefined;
      await new Promise((wake) => wakers.push(() => wake(undefined)));
      continue;
    }
    underWay++;
    const sentMs = Date.now();
    let step = 'prepare';
    try {
      if (queue.length === 0 && doubtful === undefined) queue.push(...(await kind.prepare(8)));
      const asked = doubtful ?? /** @type {import('../../load/drive.mjs').Asked} */ (queue.shift());
      const again = doubtful !== undefined;
      step = 'connect';
      if (connection?.usable !== true) connection = await Connection.open(kind.url, site.ca);
      step = 'answer';
      if (kind.again) doubtful = asked;
      const answer = await connection.ask(asked.request);
      await take(name, kind, asked, again, answer, sentMs);
      // Told to come back later is as good as not answered.
      if (answer.status < 500 && answer.status !== 429) doubtful = undefined;
      else await sleep(100);
    } catch (error) {
      failed++;
      connection?.close();
      connection = undefined;
      await errors.write({ kind: name, sentMs, doneMs: Date.now(), step, error: String(error) });
      await sleep(50);
    } finally {
      underWay--;
    }
    if (pauseMs > 0) await sleep(pauseMs);
  }
}

/** @param {string} name @param {Kind} kind @param {import('../../load/drive.mjs').Asked} asked @param {boolean} again @param {import('../../load/connections.mjs').Answer} answer @param {number} sentMs */
async function take(name, kind, asked, again, answer, sentMs) {
  const doneMs = Date.now();
  const repeated = again && answer.status === 409;
  if (answer.status !== kind.expected && !repeated) {
    failed++;
    await errors.write({
      kind: name,
      sentMs,
      doneMs,
      status: answer.status,
      error: answer.body.toString('utf8', 0, 300),
    });
    return;
  }
  if (kind.encoding === undefined) {
    acknowledged[name] = (acknowledged[name] ?? 0) + 1;
    return;
  }
  const text = repeated ? answer.head : answer.body.toString(kind.encoding);
  const counted = repeated ? `${name}-known` : name;
  await acknowledgements.write({ kind: counted, sentMs, doneMs, context: kind.context(asked), answer: text });
  acknowledged[counted] = (acknowledged[counted] ?? 0) + 1;
  if (name !== 'v1' || repeated || known.length > 10_000) return;
  known.push(.../** @type {string[]} */ (Object.keys(JSON.parse(text))));
  searched.push(kind.context(asked));
}
