/** The time of the built appliance, vouched for by two servers, by two persons, and by nobody. */
import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { airseal, installation } from '../kit/index.js';
import { Browser, choosePassword } from '../kit/person.mjs';
import { TimeServer } from '../kit/time-server.js';
import { killAppliance, startAgain } from './daemons.js';
import { hashedRekordV1 } from './proposals.js';
import { askForCertificate, Holder, machineToken, signingRequest } from './signer.js';
import { timestampRequest } from './timestamp-requests.js';
import { type Answer, ask, post, trustedAuthority } from './wire.js';

const { origin, settings, identity } = installation();
const QUERY = { 'Content-Type': 'application/timestamp-query' };
const HOUR_MS = 3_600_000;
const directory = mkdtempSync(join(tmpdir(), 'airseal-time-'));
const before = readFileSync(settings, 'utf8');
const persons = ['first', 'second'].map((name) => ({
  email: `${name}-${randomBytes(4).toString('hex')}@corp.example`,
  passwordFile: join(directory, name),
}));
let servers: TimeServer[] = [];

interface Clock {
  readonly standing: string;
  readonly code?: string;
  readonly sources: readonly { readonly name: string; readonly status: string; readonly offsetMs?: number }[];
}

async function clock(): Promise<Clock> {
  const { code, stdout, stderr } = await airseal('clock', 'status', '--output', 'json');
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Clock;
}

/** The sources are asked each second. */
async function until(standing: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    const { time } = JSON.parse((await ask(origin, { path: '/healthz' })).text) as { time: string };
    if (time === standing) return;
    if (tries === 100) throw new Error(`the time is ${time}, not ${standing}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function stamp(): Promise<Answer> {
  return post(origin, '/api/v1/timestamp', timestampRequest(), QUERY);
}

/** PKIStatus of the answer: 0 granted, 2 rejection. */
function statusOf({ body }: Answer): number | undefined {
  return body[body.indexOf(Buffer.from('0201', 'hex')) + 2];
}

async function certificate(): Promise<Answer> {
  return askForCertificate(signingRequest(new Holder(), identity, await machineToken()));
}

beforeAll(async () => {
  for (const { email, passwordFile } of persons) {
    const password = `${email} and more words`.replace('@', ' at ');
    writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
    const { stdout } = await airseal('identity', 'add-person', email, '--output', 'json');
    const { setPasswordUrl } = JSON.parse(stdout) as { setPasswordUrl: string };
    await choosePassword(new Browser(trustedAuthority()), setPasswordUrl, password);
  }
  servers = [await TimeServer.open(), await TimeServer.open()];
  const [a, b] = servers.map(({ port }) => port);
  appendFileSync(
    settings,
    `clock:
  pollSeconds: 1
  sources:
    - { kind: ntp, name: a, host: 127.0.0.1, port: ${a ?? 0} }
    - { kind: ntp, name: b, host: 127.0.0.1, port: ${b ?? 0} }
    - { kind: declared, name: wall }
`,
  );
  await killAppliance();
  await startAgain();
});

// What one of them was told to say is nothing to the next story.
afterEach(() => {
  for (const server of servers) server.offsetMs = 0;
});

afterAll(async () => {
  writeFileSync(settings, before);
  await killAppliance();
  await startAgain();
  await Promise.all(servers.map((server) => server.close()));
  rmSync(directory, { recursive: true });
});

test('two servers agree, and every health answer says so', async () => {
  for (const path of ['/livez', '/readyz', '/healthz']) {
    const answer = await ask(origin, { path });
    expect([answer.status, JSON.parse(answer.text)]).toEqual([
      200,
      expect.objectContaining({ time: 'agreed' }),
    ]);
  }
  expect((await ask(origin, { path: '/ping' })).headers['airseal-time']).toBe('agreed');
  const { sources } = await clock();
  expect(sources.map(({ name, status }) => `${name} ${status}`)).toEqual([
    'a agrees',
    'b agrees',
    'wall lost',
  ]);
  expect(statusOf(await stamp())).toBe(0);
});

test('when they agree that the machine is wrong, no time is signed and the logs go on', async () => {
  for (const server of servers) server.offsetMs = -HOUR_MS;
  await until('untrusted');
  // Its answers are kept for a second.
  let ready = await ask(origin, { path: '/readyz' });
  for (let tries = 0; tries < 50 && ready.status === 200; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    ready = await ask(origin, { path: '/readyz' });
  }
  // An hour, but for the moment that the question took.
  expect([ready.status, ready.text]).toEqual([503, expect.stringMatching(/is (?:3599|3600)\d{3} ms from/)]);
  expect(statusOf(await stamp())).toBe(2);
  const refused = await certificate();
  expect([refused.status, JSON.parse(refused.text)]).toEqual([
    503,
    expect.objectContaining({ code: 14, message: expect.stringContaining('clock') }),
  ]);
  const entry = await post(origin, '/api/v1/log/entries', hashedRekordV1(new Holder(), 'nobody knows when'));
  expect(entry.status).toBe(201);
  const [{ integratedTime } = { integratedTime: 0 }] = Object.values(
    JSON.parse(entry.text) as Record<string, { integratedTime: number }>,
  );
  // Not an hour ago, which is before what was logged already.
  expect(Math.abs(Date.now() / 1000 - integratedTime)).toBeLessThan(600);
  for (const server of servers) server.offsetMs = 0;
  await until('agreed');
  expect([statusOf(await stamp()), (await certificate()).status]).toEqual([0, 200]);
});

test('when they contradict each other the time is held over, until two persons are the second voice', async () => {
  const [, liar] = servers;
  if (liar === undefined) throw new Error('no server');
  liar.offsetMs = HOUR_MS;
  await until('holdover');
  expect(statusOf(await stamp())).toBe(0);
  const [alice, bob] = persons;
  if (alice === undefined || bob === undefined) throw new Error('no persons');
  const say = (verb: string, { email, passwordFile }: typeof alice) =>
    airseal(
      ...['clock', verb, '--person', email, '--password-file', passwordFile],
      ...['--time', new Date().toISOString(), '--within', '60'],
    );
  expect((await say('declare', { ...alice, passwordFile: bob.passwordFile })).stderr).toContain(
    'no active account',
  );
  expect((await say('declare', alice)).code).toBe(0);
  expect((await say('confirm', alice)).stderr).toContain('another person');
  expect((await say('confirm', bob)).code).toBe(0);
  await until('agreed');
  const { sources } = await clock();
  expect(sources.map(({ name, status }) => `${name} ${status}`)).toEqual([
    'a agrees',
    'b contradicts',
    'wall agrees',
  ]);
  expect(statusOf(await stamp())).toBe(0);
  liar.offsetMs = 0;
  await until('agreed');
});

test('all of it stands in the records', async () => {
  const from = new Date(Date.now() - HOUR_MS).toISOString();
  const { code, stdout } = await airseal('clock', 'records', '--from', from, '--output', 'json');
  expect(code).toBe(0);
  const { records } = JSON.parse(stdout) as {
    records: { what: string; report: { sources: { name: string }[] } }[];
  };
  const all = records.map(({ what }) => what);
  // Of the process that this story started.
  const said = all.slice(all.lastIndexOf('start'));
  const order = [
    'start',
    'untrusted',
    'trusted',
    'disagreement',
    'holdover.started',
    'declared',
    'confirmed',
  ];
  expect(said).toEqual(expect.arrayContaining([...order, 'holdover.ended']));
  const places = order.map((what) => said.indexOf(what));
  expect(places).toEqual(places.toSorted((x, y) => x - y));
  expect(records.at(-1)?.report.sources.map(({ name }) => name)).toEqual(['a', 'b', 'wall']);
  expect((await airseal('clock', 'records', '--from', from)).stdout).toContain('a agrees');
});
