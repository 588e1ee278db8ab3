import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { parsePublicKey, sha256, verifySignature } from '#core/crypto';
import { canonicalJson } from '#core/json';
import { leafHash, verifyConsistency, verifyInclusion } from '#core/merkle';
import { logVerifierV1, parseCheckpoint, parseNote, verifyNote } from '#core/note';
import { fromBase64, fromHex, fromUtf8, toBase64, toHex } from '#core/octets';
import { checkEntry, openV1Log, type EntryChecker, V1Log, readLookUps } from '#log';
import { doorApp } from '../../../../../test/kit/door-app.js';
import { freshTrees, type FreshTrees, type Replica } from '../../../../../test/kit/fresh-trees.js';
import { asSuperuser } from '../../../../../test/kit/index.js';
import { dsseV1, hashedRekordV1, intotoV1, signerPem } from '../../../../../test/kit/signed-artifact.js';
import { materialOf, SoftwareHsm } from '../../../../../test/kit/software-hsm.js';
import { RekorV1DoorModule } from './rekor-v1.module.js';

/** The worker threads have a spec of their own. */
const checker: EntryChecker = {
  check: async (face, body) => checkEntry(face, body),
  lookUps: async (body) => readLookUps(body),
  close: async () => undefined,
};

const hsm = new SoftwareHsm();
const material = materialOf(hsm);
const TREE = '108e9186e8c5677a';
const key = parsePublicKey(hsm.named('rekor-v1').spki);

let world: FreshTrees;
let replica: Replica;
let app: NestFastifyApplication;

beforeAll(async () => {
  world = await freshTrees();
  replica = await world.replica();
  const { trees, pool, metrics } = replica;
  const log = await openV1Log({ trees, hsm, pool, material, checker, metrics });
  app = await doorApp(new Map([[V1Log, log]]), (ground) => RekorV1DoorModule.on([ground]));
});
afterAll(async () => {
  await app.close();
  await world.drop();
});

interface Entry {
  readonly body: string;
  readonly integratedTime: number;
  readonly logID: string;
  readonly logIndex: number;
  readonly attestation?: { readonly data: string };
  readonly verification: {
    readonly signedEntryTimestamp: string;
    readonly inclusionProof: {
      readonly checkpoint: string;
      readonly hashes: readonly string[];
      readonly logIndex: number;
      readonly rootHash: string;
      readonly treeSize: number;
    };
  };
}

async function post(url: string, body: unknown) {
  const payload = Buffer.isBuffer(body) ? body : JSON.stringify(body);
  return await app.inject({ method: 'POST', url, payload, headers: { 'content-type': 'application/json' } });
}

async function get(url: string) {
  return await app.inject({ method: 'GET', url });
}

function only(json: string): [string, Entry] {
  const [first, ...rest] = Object.entries(JSON.parse(json) as Record<string, Entry>);
  expect(rest).toEqual([]);
  if (first === undefined) throw new Error('no entry');
  return first;
}

/** What every client checks of an entry. */
function verifyEntry(entryId: string, entry: Entry): void {
  const { signedEntryTimestamp, inclusionProof } = entry.verification;
  const body = fromBase64(entry.body);
  const { integratedTime, logID, logIndex } = entry;
  verifySignature(
    key,
    canonicalJson({ body: entry.body, integratedTime, logID, logIndex }),
    fromBase64(signedEntryTimestamp),
  );
  const note = parseNote(inclusionProof.checkpoint);
  expect(note.signatures).toHaveLength(1);
  verifyNote(note, [logVerifierV1('log.test', key)]);
  const head = parseCheckpoint(note.text);
  expect(head.origin).toBe('log.test - 1193050959916656506');
  expect(head.size).toBe(BigInt(inclusionProof.treeSize));
  expect(toHex(head.root)).toBe(inclusionProof.rootHash);
  verifyInclusion(leafHash(body), BigInt(inclusionProof.logIndex), inclusionProof.hashes.map(fromHex), head);
  expect(entryId).toBe(TREE + toHex(leafHash(body)));
  expect(logID).toBe(toHex(sha256(key.spki)));
}

describe('an entry', () => {
  test('is answered 201, with its ID in Location and bare in ETag, compact and with one newline', async () => {
    const answer = await post('/api/v1/log/entries', hashedRekordV1('a'));
    expect(answer.statusCode).toBe(201);
    const [entryId, entry] = only(answer.body);
    expect(answer.headers.location).toBe(`/api/v1/log/entries/${entryId}`);
    expect(answer.headers.etag).toBe(entryId);
    expect(answer.headers['content-type']).toBe('application/json');
    expect(answer.body).toMatch(/^\{"[0-9a-f]{80}":\{"body":"[^ ]*[^]*\}\}\n$/);
    expect(answer.body.slice(0, -1)).not.toMatch(/\n/);
    expect(Object.keys(entry).sort()).toEqual([
      'body',
      'integratedTime',
      'logID',
      'logIndex',
      'verification',
    ]);
    expect(Math.abs(entry.integratedTime - Date.now() / 1000)).toBeLessThan(5);
    verifyEntry(entryId, entry);
  });

  test('sent again is answered 409, with the place of the first', async () => {
    const proposed = hashedRekordV1('b');
    const [entryId] = only((await post('/api/v1/log/entries', proposed)).body);
    const again = await post('/api/v1/log/entries', proposed);
    expect(again.statusCode).toBe(409);
    expect(again.headers.location).toBe(`/api/v1/log/entries/${entryId}`);
    expect(again.body).toBe(
      `{"code":409,"message":"an equivalent entry already exists in the transparency log with UUID ${entryId}"}\n`,
    );
    expect((await get(String(again.headers.location))).statusCode).toBe(200);
  });

  test.each(['index', 'UUID', 'entry ID'])(
    'is found by %s, with the same timestamp and a proof that holds',
    async (by) => {
      const [entryId, made] = only((await post('/api/v1/log/entries', hashedRekordV1(by))).body);
      const url = {
        index: `/api/v1/log/entries?logIndex=${made.logIndex}`,
        UUID: `/api/v1/log/entries/${entryId.slice(16)}`,
        'entry ID': `/api/v1/log/entries/${entryId}`,
      }[by];
      const answer = await get(url ?? '');
      expect(answer.statusCode).toBe(200);
      const [foundId, found] = only(answer.body);
      expect(foundId).toBe(entryId);
      expect(found.verification.signedEntryTimestamp).toBe(made.verification.signedEntryTimestamp);
      expect({ ...found, verification: made.verification }).toEqual(made);
      verifyEntry(foundId, found);
    },
  );

  test('whose timestamp was lost in a crash gets one when it is looked up', async () => {
    const [entryId] = only((await post('/api/v1/log/entries', hashedRekordV1('crash'))).body);
    await asSuperuser(world.database, 'DELETE FROM log_set');
    const [, first] = only((await get(`/api/v1/log/entries/${entryId}`)).body);
    verifyEntry(entryId, first);
    const [, second] = only((await get(`/api/v1/log/entries/${entryId}`)).body);
    expect(second.verification.signedEntryTimestamp).toBe(first.verification.signedEntryTimestamp);
  });

  test('of kind dsse and intoto is taken, and the attestation of intoto is given back', async () => {
    const [dsseId, dsse] = only((await post('/api/v1/log/entries', dsseV1('x'))).body);
    verifyEntry(dsseId, dsse);
    const { entry: proposed, payload } = intotoV1('y');
    const made = await post('/api/v1/log/entries', proposed);
    expect(made.statusCode).toBe(201);
    const [entryId] = only(made.body);
    const [, found] = only((await get(`/api/v1/log/entries/${entryId}`)).body);
    expect(found.attestation?.data).toBe(toBase64(payload));
    verifyEntry(entryId, found);
  });

  test('that is nowhere is answered 404 without a body', async () => {
    for (const url of [`/api/v1/log/entries/${'0'.repeat(64)}`, '/api/v1/log/entries?logIndex=99999']) {
      const answer = await get(url);
      expect([answer.statusCode, answer.body]).toEqual([404, '']);
    }
  });

  test.each([
    ['/api/v1/log/entries/xyz', 400],
    [`/api/v1/log/entries/${'0'.repeat(79)}`, 400],
    ['/api/v1/log/entries?logIndex=-1', 422],
    ['/api/v1/log/entries', 422],
  ])('asked for as %s is answered %i in JSON', async (url, status) => {
    const answer = await get(url);
    expect(answer.statusCode).toBe(status);
    expect(JSON.parse(answer.body)).toMatchObject({ code: status, message: expect.any(String) });
  });

  const good = hashedRekordV1('refusals');
  test.each([
    ['not JSON', Buffer.from('{')],
    ['a key twice', Buffer.from(JSON.stringify(good).replace('{"apiVersion"', '{"kind":"x","apiVersion"'))],
    ['deep nesting', Buffer.from('['.repeat(1000))],
    [
      'another digest',
      { ...good, spec: { ...good.spec, data: { hash: { algorithm: 'sha256', value: '0'.repeat(64) } } } },
    ],
    ['an unknown kind', { ...good, kind: 'nothing' }],
    ['a kind that is not kept', { ...good, kind: 'rpm' }],
    ['an unknown version', { ...good, apiVersion: '9.9.9' }],
    ['nothing', Buffer.alloc(0)],
  ])('made of %s is refused with 400 and leaves no trace', async (_what, body) => {
    const before = await asSuperuser(world.database, 'SELECT size FROM log_head');
    const answer = await post('/api/v1/log/entries', body);
    expect(answer.statusCode).toBe(400);
    expect(JSON.parse(answer.body)).toEqual({
      code: 400,
      message: expect.stringMatching(/^error processing entry: /),
    });
    expect(await asSuperuser(world.database, 'SELECT size FROM log_head')).toBe(before);
  });
});

describe('entries/retrieve', () => {
  test('finds by index, ID and proposed entry of any kind, and skips what it does not know', async () => {
    const proposed = hashedRekordV1('r');
    const [entryId, { logIndex }] = only((await post('/api/v1/log/entries', proposed)).body);
    const answer = await post('/api/v1/log/entries/retrieve', {
      logIndexes: [logIndex, 99_999],
      entryUUIDs: [entryId.slice(16), 'f'.repeat(64)],
      entries: [proposed, dsseV1('unknown'), intotoV1('unknown').entry],
    });
    expect(answer.statusCode).toBe(200);
    const found = JSON.parse(answer.body) as Record<string, Entry>[];
    expect(found.flatMap(Object.keys)).toEqual([entryId, entryId, entryId]);
  });

  test('answers an empty list when there is nothing', async () => {
    const answer = await post('/api/v1/log/entries/retrieve', { entries: [dsseV1('nowhere')] });
    expect([answer.statusCode, answer.body]).toEqual([200, '[]\n']);
  });

  test('refuses more than ten with 422, and what it cannot read with 400', async () => {
    const many = await post('/api/v1/log/entries/retrieve', {
      logIndexes: Array.from({ length: 11 }, (_, at) => at),
    });
    expect(many.statusCode).toBe(422);
    expect((await post('/api/v1/log/entries/retrieve', { entryUUIDs: ['x'] })).statusCode).toBe(400);
    expect((await post('/api/v1/log/entries/retrieve', { entries: [{ kind: 'nothing' }] })).statusCode).toBe(
      400,
    );
  });
});

describe('the log', () => {
  test('describes itself, is never empty, and proves that it only grew', async () => {
    const info = JSON.parse((await get('/api/v1/log')).body) as Record<string, unknown>;
    expect(Object.keys(info).sort()).toEqual([
      'inactiveShards',
      'rootHash',
      'signedTreeHead',
      'treeID',
      'treeSize',
    ]);
    expect(info).toMatchObject({ treeID: '1193050959916656506', inactiveShards: [] });
    const size = Number(info['treeSize']);
    const first = {
      size: 1n,
      root: leafHash(fromBase64(only((await get('/api/v1/log/entries?logIndex=0')).body)[1].body)),
    };
    const proof = JSON.parse((await get(`/api/v1/log/proof?lastSize=${size}`)).body) as {
      hashes: string[];
      rootHash: string;
    };
    expect(proof.rootHash).toBe(info['rootHash']);
    verifyConsistency(
      first,
      { size: BigInt(size), root: fromHex(proof.rootHash) },
      proof.hashes.map(fromHex),
    );
  });

  test('begins with a statement of its own trust material', async () => {
    const [, entry] = only((await get('/api/v1/log/entries?logIndex=0')).body);
    const first = JSON.parse(Buffer.from(entry.body, 'base64').toString()) as {
      spec: { data: { hash: { value: string } } };
    };
    const statement = canonicalJson(JSON.parse(JSON.stringify(material)) as never);
    expect(first.spec.data.hash.value).toBe(toHex(sha256(statement)));
  });

  test.each([
    ['/api/v1/log/proof', 422],
    ['/api/v1/log/proof?firstSize=0&lastSize=1', 422],
    ['/api/v1/log/proof?firstSize=2&lastSize=1', 400],
    ['/api/v1/log/proof?lastSize=99999', 400],
    ['/api/v1/log/proof?lastSize=1&treeID=7', 400],
    ['/api/v1/log/publicKey?treeID=7', 400],
  ])('answers %s with %i', async (url, status) => {
    const answer = await get(url);
    expect(answer.statusCode).toBe(status);
    expect(JSON.parse(answer.body)).toMatchObject({ code: status });
  });

  test('shows its key as PEM', async () => {
    const answer = await get('/api/v1/log/publicKey');
    expect(answer.headers['content-type']).toBe('application/x-pem-file');
    expect(answer.body).toMatch(/^-----BEGIN PUBLIC KEY-----\n[^]*-----END PUBLIC KEY-----\n$/);
    expect((await get('/api/v1/log/publicKey?treeID=1193050959916656506')).body).toBe(answer.body);
  });
});

describe('the index', () => {
  test('finds an entry by hash with and without prefix and by key, as soon as it is answered', async () => {
    const [entryId] = only((await post('/api/v1/log/entries', hashedRekordV1('indexed'))).body);
    const hash = toHex(sha256(fromUtf8('indexed')));
    for (const query of [{ hash }, { hash: `sha256:${hash}` }, { hash: hash.toUpperCase() }]) {
      const answer = await post('/api/v1/index/retrieve', query);
      expect([answer.statusCode, answer.body]).toEqual([200, `["${entryId}"]\n`]);
    }
    const publicKey = { format: 'x509', content: signerPem };
    expect(JSON.parse((await post('/api/v1/index/retrieve', { publicKey })).body)).toContain(entryId);
    expect((await post('/api/v1/index/retrieve', { publicKey, hash, operator: 'and' })).body).toBe(
      `["${entryId}"]\n`,
    );
    const elsewhere = { publicKey, hash: '0'.repeat(64), operator: 'and' };
    expect((await post('/api/v1/index/retrieve', elsewhere)).body).toBe('[]\n');
  });

  test('finds the subject of a statement', async () => {
    const [entryId] = only((await post('/api/v1/log/entries', dsseV1('subject-of-dsse'))).body);
    const answer = await post('/api/v1/index/retrieve', { hash: toHex(sha256(fromUtf8('subject-of-dsse'))) });
    expect(answer.body).toBe(`["${entryId}"]\n`);
  });

  test.each([
    [{}, 400],
    [{ hash: 'zz' }, 422],
    [{ email: 'a@b.c', operator: 'xor' }, 422],
    [{ publicKey: { format: 'pgp', content: 'AA==' } }, 400],
  ])('refuses %j with %i', async (query, status) => {
    expect((await post('/api/v1/index/retrieve', query)).statusCode).toBe(status);
  });
});

test('counts what it added under the name that boards know', async () => {
  expect(await replica.metrics.format()).toMatch(/rekor_new_entries\{kind="hashedrekord"\} [1-9]/);
});
