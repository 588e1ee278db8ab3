import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { parsePublicKey, sha256 } from '#core/crypto';
import { leafHash, verifyInclusion } from '#core/merkle';
import { logVerifier, parseCheckpoint, parseNote, verifyNote } from '#core/note';
import { fromBase64, toBase64 } from '#core/octets';
import { parseBundle } from '#core/tile';
import { checkEntry, openV2Log, type EntryChecker, V2Log, readLookUps } from '#log';
import { doorApp } from '../../../../../test/kit/door-app.js';
import { freshTrees, type FreshTrees, type Replica } from '../../../../../test/kit/fresh-trees.js';
import { asSuperuser } from '../../../../../test/kit/index.js';
import { dsseV2, hashedRekordV2 } from '../../../../../test/kit/signed-artifact.js';
import { materialOf, SoftwareHsm } from '../../../../../test/kit/software-hsm.js';
import { RekorV2DoorModule } from './rekor-v2.module.js';

const hsm = new SoftwareHsm();
const base = materialOf(hsm);
const [shard] = base.rekorV2;
const material = {
  ...base,
  rekorV2: [
    {
      ...base.rekorV2[0],
      name: '2025-1',
      url: 'https://old.log.test',
      origin: 'old.log.test',
      start: '2025-01-01T00:00:00Z',
      end: '2026-01-01T00:00:00Z',
      key: hsm.key('rekor-v2-old'),
    },
    ...(shard === undefined ? [] : [shard]),
  ],
};
const key = parsePublicKey(hsm.named('rekor-v2').spki);

/** Holds checks back for as long as a spec wants. */
let gate: Promise<void> = Promise.resolve();
const checker: EntryChecker = {
  check: async (face, body) => {
    await gate;
    return checkEntry(face, body);
  },
  lookUps: async (body) => readLookUps(body),
  close: async () => undefined,
};

let world: FreshTrees;
let replica: Replica;
let app: NestFastifyApplication;

beforeAll(async () => {
  world = await freshTrees();
  replica = await world.replica();
  const { trees, pool, metrics } = replica;
  const log = await openV2Log({ trees, hsm, pool, material, checker, metrics });
  app = await doorApp(new Map([[V2Log, log]]), (ground) => RekorV2DoorModule.on([ground]));
  await app.listen(0, '127.0.0.1');
});
afterAll(async () => {
  await app.close();
  await world.drop();
});

async function post(body: unknown, host = 'v2.log.test:8443') {
  const payload = Buffer.isBuffer(body) ? body : JSON.stringify(body);
  return await app.inject({
    method: 'POST',
    url: '/api/v2/log/entries',
    payload,
    headers: { host, 'content-type': 'application/json' },
  });
}

async function get(path: string, host = 'v2.log.test:8443') {
  return await app.inject({ method: 'GET', url: `/api/v2/${path}`, headers: { host } });
}

interface Entry {
  readonly logIndex: string;
  readonly canonicalizedBody: string;
  readonly inclusionProof: {
    readonly logIndex: string;
    readonly treeSize: string;
    readonly rootHash: string;
    readonly hashes: readonly string[];
    readonly checkpoint: { readonly envelope: string };
  };
}

function verifyEntry(entry: Entry): void {
  const { inclusionProof } = entry;
  const note = parseNote(inclusionProof.checkpoint.envelope);
  verifyNote(note, [logVerifier('v2.log.test', key)]);
  const head = parseCheckpoint(note.text);
  expect(head).toMatchObject({
    origin: 'v2.log.test',
    size: BigInt(inclusionProof.treeSize),
    extensions: [],
  });
  expect(toBase64(head.root)).toBe(inclusionProof.rootHash);
  expect(inclusionProof.logIndex).toBe(entry.logIndex);
  verifyInclusion(
    leafHash(fromBase64(entry.canonicalizedBody)),
    BigInt(entry.logIndex),
    inclusionProof.hashes.map(fromBase64),
    head,
  );
}

describe('an entry', () => {
  test('is answered 201 with every member of TransparencyLogEntry, and no other, within a second', async () => {
    const started = performance.now();
    const answer = await post(hashedRekordV2('a'));
    expect(performance.now() - started).toBeLessThan(1000);
    expect(answer.statusCode).toBe(201);
    expect(answer.headers['content-type']).toBe('application/json');
    const entry = JSON.parse(answer.body) as Entry;
    expect(entry).toEqual({
      logIndex: expect.stringMatching(/^\d+$/),
      logId: { keyId: toBase64(sha256(key.spki)) },
      kindVersion: { kind: 'hashedrekord', version: '0.0.2' },
      integratedTime: '0',
      inclusionPromise: null,
      inclusionProof: {
        logIndex: entry.logIndex,
        rootHash: expect.any(String),
        treeSize: expect.stringMatching(/^\d+$/),
        hashes: expect.any(Array),
        checkpoint: {
          envelope: expect.stringMatching(/^v2\.log\.test\n\d+\n[^\n]+\n\n— v2\.log\.test [^\n]+\n$/),
        },
      },
      canonicalizedBody: expect.any(String),
    });
    verifyEntry(entry);
  });

  test('out of an old dsse request is logged as hashedrekord over the encoding', async () => {
    const answer = await post(dsseV2('x'));
    expect(answer.statusCode).toBe(201);
    const entry = JSON.parse(answer.body) as Entry;
    verifyEntry(entry);
    expect(JSON.parse(Buffer.from(entry.canonicalizedBody, 'base64').toString())).toMatchObject({
      kind: 'hashedrekord',
    });
  });

  test('sent again is answered 409 with its index', async () => {
    const request = hashedRekordV2('b');
    const { logIndex } = JSON.parse((await post(request)).body) as Entry;
    const again = await post(request);
    expect(again.statusCode).toBe(409);
    expect(again.headers['x-log-index']).toBe(logIndex);
    expect(JSON.parse(again.body)).toEqual({
      code: 6,
      message: `an equivalent entry already exists in the transparency log with index ${logIndex}`,
      details: [],
    });
  });

  test('case 35: sent a thousand times at once has one index, and all the others are told so', async () => {
    const request = hashedRekordV2('thousand');
    const answers = await Promise.all(Array.from({ length: 1000 }, () => post(request)));
    const made = answers.filter(({ statusCode }) => statusCode === 201);
    expect(made).toHaveLength(1);
    const { logIndex } = JSON.parse(made[0]?.body ?? '') as Entry;
    const others = answers.filter(({ statusCode }) => statusCode !== 201);
    expect(
      new Set(others.map(({ statusCode, headers }) => `${statusCode} ${String(headers['x-log-index'])}`)),
    ).toEqual(new Set([`409 ${logIndex}`]));
  });

  test('case 40: whose client was gone before the answer is given to its retry, with a fresh proof; and only once', async () => {
    const request = hashedRekordV2('gone');
    const { port } = app.getHttpServer().address() as AddressInfo;
    let open = (): void => undefined;
    gate = new Promise((resolve) => (open = resolve));
    const first = httpRequest({
      host: '127.0.0.1',
      port,
      method: 'POST',
      path: '/api/v2/log/entries',
      headers: { host: 'v2.log.test' },
    });
    first.on('error', () => undefined);
    const closed = new Promise((resolve) => first.once('close', resolve));
    first.end(JSON.stringify(request));
    await new Promise((resolve) => setTimeout(resolve, 100));
    first.destroy();
    await closed;
    await new Promise((resolve) => setTimeout(resolve, 100));
    open();
    await new Promise((resolve) => setTimeout(resolve, 500));

    const retry = await post(request);
    expect(retry.statusCode).toBe(201);
    verifyEntry(JSON.parse(retry.body) as Entry);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await post(request)).statusCode).toBe(409);
  });

  const good = hashedRekordV2('refusals');
  const inner = good.hashedRekordRequestV002;
  test.each([
    ['not JSON', Buffer.from('{'), /./],
    ['an unknown member', { ...good, extra: 1 }, /./],
    ['an unknown type', {}, /^invalid type, must be hashedrekord$/],
    [
      'another digest',
      { hashedRekordRequestV002: { ...inner, digest: toBase64(sha256(new Uint8Array(3))) } },
      /^invalid hashedrekord request$/,
    ],
    [
      'a short digest',
      { hashedRekordRequestV002: { ...inner, digest: 'AAAA' } },
      /^invalid hashedrekord request$/,
    ],
  ])('made of %s is refused with 400 and leaves no trace', async (_what, body, message) => {
    const before = await asSuperuser(world.database, 'SELECT sum(size) FROM log_head');
    const answer = await post(body);
    expect(answer.statusCode).toBe(400);
    expect(JSON.parse(answer.body)).toEqual({
      code: 3,
      message: expect.stringMatching(message),
      details: [],
    });
    expect(await asSuperuser(world.database, 'SELECT sum(size) FROM log_head')).toBe(before);
  });

  test('for a frozen shard is answered 405 in plain text', async () => {
    const answer = await post(hashedRekordV2('late'), 'old.log.test');
    expect(answer.statusCode).toBe(405);
    expect(answer.headers['content-type']).toMatch(/^text\/plain/);
    expect(answer.body).toBe('This log has been frozen, please switch to the latest log.\n');
  });

  test('for a host that is no shard is answered 404', async () => {
    expect((await post(hashedRekordV2('x'), 'elsewhere.test')).statusCode).toBe(404);
  });
});

describe('files', () => {
  let size: bigint;
  beforeAll(async () => {
    await Promise.all(Array.from({ length: 300 }, (_, at) => post(hashedRekordV2(`file ${at}`))));
    size = parseCheckpoint(parseNote((await get('checkpoint')).body).text).size;
    expect(size).toBeGreaterThan(300n);
  });

  test('the checkpoint is text that nobody may keep', async () => {
    const answer = await get('checkpoint');
    expect(answer.headers).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': 'no-cache',
    });
    verifyNote(parseNote(answer.body), [logVerifier('v2.log.test', key)]);
    expect((await get('checkpoint', 'old.log.test')).body).toMatch(/^old\.log\.test\n0\n/);
  });

  test('full and partial tiles agree, with each other and with the entries', async () => {
    const full = (await get('tile/0/000')).rawPayload;
    expect(full).toHaveLength(8192);
    const part = await get('tile/0/000.p/5');
    expect(part.headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'cache-control': expect.stringMatching(/immutable/),
    });
    expect(part.rawPayload).toEqual(full.subarray(0, 160));
    const entries = parseBundle((await get('tile/entries/000')).rawPayload);
    expect(Buffer.concat(entries.map(leafHash))).toEqual(full);
    const width = Number(size - 256n);
    const edge = parseBundle((await get(`tile/entries/001.p/${width}`)).rawPayload);
    expect(Buffer.concat(edge.map(leafHash))).toEqual((await get(`tile/0/001.p/${width}`)).rawPayload);
    expect((await get('tile/1/000.p/1')).rawPayload).toHaveLength(32);
  });

  test.each([
    'tile/0/x000/000',
    'tile/0/x0001',
    'tile/0/0',
    'tile/0/000.p/0',
    'tile/0/000.p/256',
    'tile/0/001',
    'tile/0/001.p/255',
    'tile/64/000',
    'tile/00/000',
    'tile/entries/002.p/1',
    'tile/0/x9223/372/036/854/775/808',
    'tile/0/%30%30%30',
    'tile/0/000?x=/../..',
    'tile/',
  ])('case 39: %s is nothing, and nobody may keep that answer', async (path) => {
    const answer = await get(path);
    expect(answer.statusCode).toBe(404);
    expect(answer.headers['cache-control'] ?? 'no-store').toBe('no-store');
  });
});

test.each(['tile/../checkpoint', 'tile/%2e%2e/checkpoint'])(
  'case 39: a path is taken as it was sent: %s is nothing',
  async (path) => {
    // On a real connection, since injected requests arrive with their dots resolved.
    const status = await new Promise((resolve, reject) => {
      const { port } = app.getHttpServer().address() as AddressInfo;
      const request = httpRequest({
        host: '127.0.0.1',
        port,
        path: `/api/v2/${path}`,
        headers: { host: 'v2.log.test' },
      });
      request.once('error', reject);
      request.once('response', (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      request.end();
    });
    expect(status).toBe(404);
  },
);

test('counts what it added under the name that boards know', async () => {
  expect(await replica.metrics.format()).toMatch(/rekor_v2_new_hashedrekord_entries [1-9]/);
});
