import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { parsePublicKey, sha256 } from '#core/crypto';
import { pae } from '#core/entry';
import { leafHash, verifyInclusion } from '#core/merkle';
import { logVerifier, parseCheckpoint, parseNote, verifyNote } from '#core/note';
import { fromBase64, fromUtf8, toBase64 } from '#core/octets';
import { parseBundle } from '#core/tile';
import { checkEntry, type EntryChecker, openV2Log, V2Log, readLookUps } from '#log';
import { doorApp } from '../../../../../test/kit/door-app.js';
import { freshTrees, type FreshTrees, type Replica } from '../../../../../test/kit/fresh-trees.js';
import { dsseV2, hashedRekordV2 } from '../../../../../test/kit/signed-artifact.js';
import { materialOf, SoftwareHsm } from '../../../../../test/kit/software-hsm.js';
import { RekorV2DoorModule } from './rekor-v2.module.js';

const hsm = new SoftwareHsm();
const base = materialOf(hsm);
const OLD = 'log2025-1.test';
const NEW = 'log2026-1.test';
const OTHER = 'log2026-2.test';

function shard(origin: string, end?: string) {
  return {
    name: origin.replace('.test', ''),
    url: `https://${origin}:8443`,
    origin,
    key: hsm.key(`rekor-v2-${origin}`),
    start: '2025-01-01T00:00:00Z',
    ...(end === undefined ? {} : { end }),
  };
}

function checker(nativeDsse: boolean): EntryChecker {
  return {
    check: async (face, body) => checkEntry(face, body, { nativeDsse }),
    lookUps: async (body) => readLookUps(body),
    close: async () => undefined,
  };
}

let world: FreshTrees;
let replica: Replica;
let app: NestFastifyApplication;

async function open(rekorV2: ReturnType<typeof shard>[], nativeDsse = false): Promise<void> {
  replica = await world.replica();
  const { trees, pool, metrics } = replica;
  const material = { ...base, rekorV2 };
  const log = await openV2Log({ trees, hsm, pool, material, checker: checker(nativeDsse), metrics });
  app = await doorApp(new Map([[V2Log, log]]), (ground) => RekorV2DoorModule.on([ground]));
}

async function close(): Promise<void> {
  await app.close();
  await replica.close();
}

async function post(host: string, body: object) {
  const headers = { host: `${host}:8443`, 'content-type': 'application/json' };
  return await app.inject({
    method: 'POST',
    url: '/api/v2/log/entries',
    payload: JSON.stringify(body),
    headers,
  });
}

async function get(host: string, path: string) {
  return await app.inject({ method: 'GET', url: `/api/v2/${path}`, headers: { host } });
}

interface Entry {
  readonly logIndex: string;
  readonly logId: { readonly keyId: string };
  readonly kindVersion: { readonly kind: string; readonly version: string };
  readonly canonicalizedBody: string;
  readonly inclusionProof: {
    readonly rootHash: string;
    readonly hashes: readonly string[];
    readonly checkpoint: { readonly envelope: string };
  };
}

/** @returns the entry, when everything that a client checks holds under the key of that host */
async function add(host: string, body: object): Promise<Entry> {
  const answer = await post(host, body);
  expect(answer.statusCode).toBe(201);
  const entry = JSON.parse(answer.body) as Entry;
  const { inclusionProof, canonicalizedBody, logIndex, logId } = entry;
  const key = parsePublicKey(hsm.named(`rekor-v2-${host}`).spki);
  const note = parseNote(inclusionProof.checkpoint.envelope);
  verifyNote(note, [logVerifier(host, key)]);
  const head = parseCheckpoint(note.text);
  expect([head.origin, toBase64(head.root)]).toEqual([host, inclusionProof.rootHash]);
  const hashes = inclusionProof.hashes.map(fromBase64);
  verifyInclusion(leafHash(fromBase64(canonicalizedBody)), BigInt(logIndex), hashes, head);
  expect(logId.keyId).toBe(toBase64(sha256(key.spki)));
  return entry;
}

beforeAll(async () => {
  world = await freshTrees();
  await open([shard(OLD)]);
  for (const artifact of ['a', 'b', 'c']) await add(OLD, hashedRekordV2(artifact));
  await close();
  await open([shard(OLD, '2026-01-01T00:00:00Z'), shard(NEW), shard(OTHER)]);
});
afterAll(async () => {
  await close();
  await world.drop();
});

describe('a frozen shard', () => {
  test('takes nothing, and says so in plain text with 405', async () => {
    const answer = await post(OLD, hashedRekordV2('late'));
    expect([answer.statusCode, answer.body]).toEqual([
      405,
      'This log has been frozen, please switch to the latest log.\n',
    ]);
    expect(answer.headers['content-type']).toMatch(/^text\/plain/);
  });

  test('stays readable: checkpoint, tiles and entries agree', async () => {
    const key = parsePublicKey(hsm.named(`rekor-v2-${OLD}`).spki);
    const note = parseNote((await get(OLD, 'checkpoint')).body);
    verifyNote(note, [logVerifier(OLD, key)]);
    expect(parseCheckpoint(note.text)).toMatchObject({ origin: OLD, size: 4n });
    const entries = parseBundle((await get(OLD, 'tile/entries/000.p/4')).rawPayload);
    expect(Buffer.concat(entries.map(leafHash))).toEqual((await get(OLD, 'tile/0/000.p/4')).rawPayload);
    expect((await get(OLD, 'tile/0/000.p/5')).statusCode).toBe(404);
  });
});

describe('two shards on two hosts', () => {
  test('grow at once, each from its own beginning and under its own key', async () => {
    const both = await Promise.all(
      [NEW, OTHER].map(async (host) => {
        const entries = await Promise.all(
          Array.from({ length: 20 }, (_, at) => add(host, hashedRekordV2(`${host} ${at}`))),
        );
        return entries.map(({ logIndex }) => Number(logIndex)).sort((a, b) => a - b);
      }),
    );
    const expected = Array.from({ length: 20 }, (_, at) => at + 1);
    expect(both).toEqual([expected, expected]);
    expect((await get(NEW, 'checkpoint')).body).not.toBe((await get(OTHER, 'checkpoint')).body);
  });

  test('take the same entry each, once', async () => {
    const request = hashedRekordV2('twice');
    await add(NEW, request);
    await add(OTHER, request);
    expect((await post(OTHER, request)).statusCode).toBe(409);
  });
});

describe('an old dsse request', () => {
  test('is logged as dsse/0.0.2 where the settings ask for it, and only that', async () => {
    await close();
    await open([shard(OLD, '2026-01-01T00:00:00Z'), shard(NEW), shard(OTHER)], true);
    const request = dsseV2('native');
    const { envelope, verifiers } = request.dsseRequestV002;
    const entry = await add(NEW, request);
    expect(entry.kindVersion).toEqual({ kind: 'dsse', version: '0.0.2' });
    expect(JSON.parse(Buffer.from(entry.canonicalizedBody, 'base64').toString())).toEqual({
      apiVersion: '0.0.2',
      kind: 'dsse',
      spec: {
        dsseV002: {
          payloadHash: { algorithm: 'SHA2_256', digest: toBase64(sha256(fromBase64(envelope.payload))) },
          signatures: [{ content: envelope.signatures[0]?.sig, verifier: verifiers[0] }],
        },
      },
    });
    expect((await add(NEW, hashedRekordV2('beside'))).kindVersion.kind).toBe('hashedrekord');
    expect((await post(NEW, request)).statusCode).toBe(409);
    const text = await replica.metrics.format();
    expect(text).toMatch(/^rekor_v2_new_dsse_entries 1$/m);
  });

  test('with another payload than was signed is refused in either form', async () => {
    const { envelope, verifiers } = dsseV2('signed').dsseRequestV002;
    const forged = { ...envelope, payload: toBase64(pae(envelope.payloadType, fromUtf8('other'))) };
    for (const nativeDsse of [true, false]) {
      const body = fromUtf8(JSON.stringify({ dsseRequestV002: { envelope: forged, verifiers } }));
      await expect(checker(nativeDsse).check('v2', body)).rejects.toMatchObject({ code: 'entry/signature' });
    }
    const answer = await post(NEW, { dsseRequestV002: { envelope: forged, verifiers } });
    expect(answer.statusCode).toBe(400);
  });
});
