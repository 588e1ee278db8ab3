import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { parsePublicKey, sha256, verifySignature } from '#core/crypto';
import { canonicalJson } from '#core/json';
import { leafHash, verifyConsistency, verifyInclusion } from '#core/merkle';
import { logVerifierV1, parseCheckpoint, parseNote, verifyNote } from '#core/note';
import { fromBase64, fromHex, fromUtf8, toHex } from '#core/octets';
import { checkEntry, type EntryChecker, openV1Log, V1Log, readLookUps } from '#log';
import { doorApp } from '../../../../../test/kit/door-app.js';
import { freshTrees, type FreshTrees, type Replica } from '../../../../../test/kit/fresh-trees.js';
import { dsseV1, hashedRekordV1, signerPem } from '../../../../../test/kit/signed-artifact.js';
import { materialOf, SoftwareHsm } from '../../../../../test/kit/software-hsm.js';
import { RekorV1DoorModule } from './rekor-v1.module.js';

const checker: EntryChecker = {
  check: async (face, body) => checkEntry(face, body),
  lookUps: async (body) => readLookUps(body),
  close: async () => undefined,
};
const hsm = new SoftwareHsm();
const base = materialOf(hsm);

/** Three shards with keys of their own; each takes over from the one before. */
const SHARDS = [
  { name: '2024-1', treeId: '1111111111111111111', start: '2024-01-01T00:00:00Z' },
  { name: '2025-1', treeId: '17', start: '2025-01-01T00:00:00Z' },
  { name: '2026-1', treeId: '1193050959916656506', start: '2026-01-01T00:00:00Z' },
].map((shard) => ({
  ...shard,
  url: 'https://log.test',
  origin: `log.test - ${shard.treeId}`,
  key: hsm.key(`rekor-v1-${shard.name}`),
}));

interface Proof {
  readonly checkpoint: string;
  readonly hashes: readonly string[];
  readonly logIndex: number;
  readonly rootHash: string;
  readonly treeSize: number;
}
interface Entry {
  readonly body: string;
  readonly integratedTime: number;
  readonly logID: string;
  readonly logIndex: number;
  readonly verification: { readonly signedEntryTimestamp?: string; readonly inclusionProof: Proof };
}
interface Made {
  readonly shard: number;
  readonly artifact: string;
  readonly entryId: string;
  readonly entry: Entry;
}

class Log {
  readonly app: NestFastifyApplication;
  readonly replica: Replica;

  constructor(app: NestFastifyApplication, replica: Replica) {
    this.app = app;
    this.replica = replica;
  }

  /** A replica that knows the first `shards` of them. */
  static async open(world: FreshTrees, shards: number, timestampsAtOnce = 8): Promise<Log> {
    const replica = await world.replica();
    const { trees, pool, metrics } = replica;
    const material = { ...base, rekorV1: SHARDS.slice(0, shards).toReversed() };
    const log = await openV1Log({ trees, hsm, pool, material, checker, metrics, timestampsAtOnce });
    return new Log(
      await doorApp(new Map([[V1Log, log]]), (ground) => RekorV1DoorModule.on([ground])),
      replica,
    );
  }

  async get(path: string) {
    return await this.app.inject({ method: 'GET', url: `/api/v1/${path}` });
  }

  async post(path: string, body: object) {
    return await this.app.inject({ method: 'POST', url: `/api/v1/${path}`, payload: JSON.stringify(body) });
  }

  async add(artifact: string): Promise<[string, Entry]> {
    const answer = await this.post('log/entries', hashedRekordV1(artifact));
    expect(answer.statusCode).toBe(201);
    return only(answer.body);
  }

  async close(): Promise<void> {
    await this.app.close();
    await this.replica.close();
  }
}

function only(json: string): [string, Entry] {
  const [first, ...others] = Object.entries(JSON.parse(json) as Record<string, Entry>);
  if (first === undefined || others.length > 0) throw new Error(`not one entry: ${json}`);
  return first;
}

/** What a client checks, with nothing but the shard's key and number. */
function verifyEntry(entryId: string, entry: Entry, at: number): void {
  const shard = SHARDS[at];
  if (shard === undefined) throw new Error('no such shard');
  const key = parsePublicKey(fromBase64(shard.key.spki));
  const { body, integratedTime, logID, logIndex, verification } = entry;
  const { inclusionProof: proof, signedEntryTimestamp: set = '' } = verification;
  expect(logID).toBe(toHex(sha256(key.spki)));
  expect(entryId.slice(0, 16)).toBe(BigInt(shard.treeId).toString(16).padStart(16, '0'));
  verifySignature(key, canonicalJson({ body, integratedTime, logID, logIndex }), fromBase64(set));
  const note = parseNote(proof.checkpoint);
  verifyNote(note, [logVerifierV1('log.test', key)]);
  const head = parseCheckpoint(note.text);
  expect(head.origin).toBe(shard.origin);
  expect([head.size, toHex(head.root)]).toEqual([BigInt(proof.treeSize), proof.rootHash]);
  verifyInclusion(leafHash(fromBase64(body)), BigInt(proof.logIndex), proof.hashes.map(fromHex), head);
}

let world: FreshTrees;
let log: Log;
const made: Made[] = [];

async function fill(shards: number, count: number): Promise<void> {
  log = await Log.open(world, shards);
  for (let at = 0; at < count; at++) {
    const artifact = `${shards} ${at}`;
    const [entryId, entry] = await log.add(artifact);
    made.push({ shard: shards - 1, artifact, entryId, entry });
  }
}

beforeAll(async () => {
  world = await freshTrees();
  await fill(1, 3);
  await log.close();
  await fill(2, 2);
});
afterAll(async () => {
  await log.close();
  await world.drop();
});

/** Everything that must hold, however many shards there are. */
function holds(shards: number): void {
  test('numbers entries through all shards, and never twice', async () => {
    // Each shard begins with an entry of its own: 1 + 3, 1 + 2, 1 + 4.
    const first = [1, 5, 8].slice(0, shards);
    expect(made.map(({ entry }) => entry.logIndex)).toEqual(
      [
        [1, 2, 3],
        [5, 6],
        [8, 9, 10, 11],
      ]
        .slice(0, shards)
        .flat(),
    );
    expect(made.map(({ entry }) => entry.verification.inclusionProof.logIndex)).toEqual(
      made.map(({ shard, entry }) => entry.logIndex - (first[shard] ?? 0) + 1),
    );
  });

  test('finds each by number, by 64 digits everywhere and by 80 in its shard alone', async () => {
    for (const { shard, entryId, entry } of made) {
      for (const path of [
        `entries?logIndex=${entry.logIndex}`,
        `entries/${entryId.slice(16)}`,
        `entries/${entryId}`,
      ]) {
        const answer = await log.get(`log/${path}`);
        expect([path, answer.statusCode]).toEqual([path, 200]);
        const [foundId, found] = only(answer.body);
        expect([foundId, found.logIndex]).toEqual([entryId, entry.logIndex]);
        expect(found.verification.signedEntryTimestamp).toBe(entry.verification.signedEntryTimestamp);
        verifyEntry(foundId, found, shard);
      }
      const elsewhere = SHARDS[(shard + 1) % shards];
      const treeId = BigInt(elsewhere?.treeId ?? 0)
        .toString(16)
        .padStart(16, '0');
      expect((await log.get(`log/entries/${treeId}${entryId.slice(16)}`)).statusCode).toBe(404);
    }
    const numbers = made.map(({ entry }) => entry.logIndex);
    const answer = await log.post('log/entries/retrieve', { logIndexes: [...numbers, 999], entryUUIDs: [] });
    const found = JSON.parse(answer.body) as Record<string, Entry>[];
    expect(found.flatMap(Object.keys)).toEqual(made.map(({ entryId }) => entryId));
    expect((await log.get(`log/entries?logIndex=${Math.max(...numbers) + 1}`)).statusCode).toBe(404);
  });

  test('searches all shards, oldest first', async () => {
    const byKey = await log.post('index/retrieve', { publicKey: { format: 'x509', content: signerPem } });
    const ids = JSON.parse(byKey.body) as string[];
    expect(ids.filter((id) => made.some(({ entryId }) => entryId === id))).toEqual(
      made.map(({ entryId }) => entryId),
    );
    for (const { artifact, entryId } of made) {
      const answer = await log.post('index/retrieve', { hash: toHex(sha256(fromUtf8(artifact))) });
      expect(JSON.parse(answer.body)).toEqual([entryId]);
    }
  });

  test('describes the inactive shards, oldest first, each with a checkpoint of its own', async () => {
    const info = JSON.parse((await log.get('log')).body) as {
      treeID: string;
      inactiveShards: { treeID: string; treeSize: number; rootHash: string; signedTreeHead: string }[];
    };
    expect(info.treeID).toBe(SHARDS[shards - 1]?.treeId);
    expect(info.inactiveShards.map(({ treeID, treeSize }) => [treeID, treeSize])).toEqual(
      [
        [SHARDS[0]?.treeId, 4],
        [SHARDS[1]?.treeId, 3],
      ].slice(0, shards - 1),
    );
    info.inactiveShards.forEach(({ signedTreeHead, rootHash }, at) => {
      const key = parsePublicKey(fromBase64(SHARDS[at]?.key.spki ?? ''));
      const note = parseNote(signedTreeHead);
      verifyNote(note, [logVerifierV1('log.test', key)]);
      const head = parseCheckpoint(note.text);
      expect([head.origin, toHex(head.root)]).toEqual([SHARDS[at]?.origin, rootHash]);
    });
  });

  test('shows the key of each shard, and proves that each only grew', async () => {
    const keys = new Set<string>();
    for (const [at, { treeId, key }] of SHARDS.slice(0, shards).entries()) {
      const answer = await log.get(`log/publicKey?treeID=${treeId}`);
      expect(answer.statusCode).toBe(200);
      expect(answer.body.replaceAll(/-----[^-]+-----|\n/g, '')).toBe(key.spki);
      keys.add(answer.body);

      const lastSize = at === 0 ? 4 : 3;
      const proof = JSON.parse((await log.get(`log/proof?lastSize=${lastSize}&treeID=${treeId}`)).body) as {
        rootHash: string;
        hashes: string[];
      };
      const [, first] = only((await log.get(`log/entries?logIndex=${[0, 4, 7][at]}`)).body);
      verifyConsistency(
        { size: 1n, root: leafHash(fromBase64(first.body)) },
        { size: BigInt(lastSize), root: fromHex(proof.rootHash) },
        proof.hashes.map(fromHex),
      );
    }
    expect(keys.size).toBe(shards);
    const active = SHARDS[shards - 1]?.treeId;
    expect((await log.get('log/publicKey')).body).toBe(
      (await log.get(`log/publicKey?treeID=${active}`)).body,
    );
    // A frozen shard has no more than it had.
    expect((await log.get(`log/proof?lastSize=5&treeID=${SHARDS[0]?.treeId}`)).statusCode).toBe(400);
    expect((await log.get('log/publicKey?treeID=3')).statusCode).toBe(400);
  });
}

describe('two shards', () => {
  holds(2);
});

describe('three shards', () => {
  beforeAll(async () => {
    await log.close();
    await fill(3, 4);
  });

  holds(3);

  test('a replica that has not heard of the newest shard adds nothing to the old one', async () => {
    const late = await Log.open(world, 3);
    const stale = await Log.open(world, 2);
    const answer = await stale.post('log/entries', hashedRekordV1('too late'));
    expect(answer.statusCode).not.toBe(201);
    expect((await stale.get('log/entries?logIndex=7')).statusCode).toBe(404);
    const [, entry] = await late.add('in time');
    expect(entry.logIndex).toBe(12);
    await Promise.all([late.close(), stale.close()]);
  });

  test('without promises, entries carry proofs alone; a promise that was made stays', async () => {
    const silent = await Log.open(world, 3, 0);
    const answer = await silent.post('log/entries', dsseV1('silent'));
    expect(answer.statusCode).toBe(201);
    const [entryId, entry] = only(answer.body);
    expect(Object.keys(entry.verification)).toEqual(['inclusionProof']);
    const [, again] = only((await silent.get(`log/entries/${entryId}`)).body);
    expect(Object.keys(again.verification)).toEqual(['inclusionProof']);
    const [old] = made;
    const [, kept] = only((await silent.get(`log/entries/${old?.entryId}`)).body);
    expect(kept.verification.signedEntryTimestamp).toBe(old?.entry.verification.signedEntryTimestamp);
    await silent.close();
  });

  test('counts the checkpoints that it publishes by shard', async () => {
    const text = await log.replica.metrics.format();
    expect(text).toMatch(/rekor_checkpoint_publish\{shard="1193050959916656506",code="0"\} [1-9]/);
  });
});
