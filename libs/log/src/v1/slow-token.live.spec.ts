import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromUtf8, toBase64 } from '#core/octets';
import { Hsm } from '#hsm';
import type { TrustMaterial } from '#instance';
import { freshTrees, type FreshTrees, type Replica } from '../../../../test/kit/fresh-trees.js';
import { badToken, type BadToken } from '../../../../test/kit/interposer/bad-token.js';
import { hashedRekordV1 } from '../../../../test/kit/signed-artifact.js';
import { materialOf, SoftwareHsm } from '../../../../test/kit/software-hsm.js';
import { checkEntry, type EntryChecker } from '../checked-entry.js';
import { readLookUps } from './look-ups.js';
import { openV1Log } from '../open-logs.js';
import type { V1Log } from './v1-log.js';

const AT_ONCE = 32;
const checker: EntryChecker = {
  check: async (face, body) => checkEntry(face, body),
  lookUps: async (body) => readLookUps(body),
  close: async () => undefined,
};

let runtimeDir: string;
let token: BadToken;
let hsm: Hsm;
let world: FreshTrees;
let replica: Replica;
let serial: V1Log;
let parallel: V1Log;
let silent: V1Log;

beforeAll(async () => {
  runtimeDir = mkdtempSync(join(tmpdir(), 'log-'));
  token = await badToken('airseal-online');
  hsm = await Hsm.open({
    tokens: { online: token.settings },
    runtimeDir,
    journalDir: join(runtimeDir, 'journal'),
  });
  const key = async (label: string): Promise<TrustMaterial['audit']> => {
    const { uri, algorithm, spki } = await hsm.generate('online', { label, algorithm: 'ecdsa-p256-sha256' });
    return { uri, token: 'online', algorithm, spki: toBase64(spki) };
  };
  const base = materialOf(new SoftwareHsm());
  const [shard] = base.rekorV1;
  if (shard === undefined) throw new Error('no shard');
  world = await freshTrees();
  replica = await world.replica();
  const transcript = await key('transcript');
  const open = async (name: string, treeId: string, timestampsAtOnce: number): Promise<V1Log> =>
    await openV1Log({
      ...replica,
      hsm,
      material: {
        ...base,
        transcript,
        rekorV1: [{ ...shard, name, treeId, origin: `log.test - ${treeId}`, key: await key(name) }],
      },
      checker,
      timestampsAtOnce,
    });
  serial = await open('serial', '11', 1);
  parallel = await open('parallel', '12', 8);
  silent = await open('silent', '13', 0);
});
afterEach(() => token.misbehave());
afterAll(async () => {
  await world.drop();
  await hsm.close();
  rmSync(runtimeDir, { recursive: true, force: true });
});

/** Appends `rounds` times 32 entries, 32 at once, and answers how many a second. */
async function rate(log: V1Log, rounds: number): Promise<number> {
  const bodies = Array.from({ length: AT_ONCE * rounds }, (_, at) =>
    fromUtf8(JSON.stringify(hashedRekordV1(`${at}`))),
  );
  const begun = performance.now();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let body = bodies.pop(); body !== undefined; body = bodies.pop()) await log.append(body);
    }),
  );
  return (AT_ONCE * rounds * 1000) / (performance.now() - begun);
}

test('a token of 70 ms keeps several promises at once; without promises it limits nothing', async () => {
  token.misbehave('slow 70');
  const [one, several, none] = [await rate(serial, 1), await rate(parallel, 2), await rate(silent, 4)];
  // One after another it cannot make more than 1000 / 70 a second.
  expect(one).toBeLessThan(14.3);
  expect(several).toBeGreaterThan(3 * one);
  expect(none).toBeGreaterThan(several);
});
