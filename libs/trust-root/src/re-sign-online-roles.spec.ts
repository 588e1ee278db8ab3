import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromUtf8 } from '#core/octets';
import {
  draftRoot,
  draftSnapshot,
  draftTargets,
  draftTimestamp,
  parseTufFile,
  type RepositoryFiles,
} from '#core/tuf';
import type { Signer } from '#hsm';
import { HeldClock, Metrics } from '#platform';
import {
  ExpiryWatch,
  instantMs,
  instantText,
  onlineValidity,
  RepositoryDirectory,
  ReSignOnlineRoles,
  signTufFile,
  type OnlineFiles,
  type SigningRecord,
} from './index.js';

const DAY_MS = 86_400_000;
const BIRTH_MS = Date.parse('2026-11-21T10:00:00Z');
const validity = onlineValidity('7d');

/** A key in this process, for tests only: real keys live in tokens. */
function softKey(): Signer {
  const { publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject } = generateKeyPairSync(
    'ec',
    {
      namedCurve: 'P-256',
    },
  );
  return {
    uri: 'pkcs11:token=test',
    algorithm: 'ecdsa-p256-sha256',
    spki: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' })),
    sign: (message) => Promise.resolve(new Uint8Array(sign('sha256', message, privateKey))),
  };
}

const officers = [softKey(), softKey(), softKey()] as const;
const [snapshotKey, timestampKey] = [softKey(), softKey()];

async function genesis(): Promise<RepositoryFiles> {
  const expires = instantText(BIRTH_MS + 365 * DAY_MS);
  const role = (keys: readonly Signer[], threshold: number) => ({
    keys: keys.map(({ spki }) => spki),
    threshold,
  });
  const body = fromUtf8('{}\n');
  const root = draftRoot({
    version: 1,
    expires,
    roles: {
      root: role(officers, 2),
      targets: role(officers, 2),
      snapshot: role([snapshotKey], 1),
      timestamp: role([timestampKey], 1),
    },
  });
  const targets = await signTufFile(
    draftTargets(1, expires, [{ name: 'a.json', bytes: body }]),
    officers.slice(0, 2),
  );
  const snapshot = await signTufFile(
    draftSnapshot(1, instantText(BIRTH_MS + validity.snapshotMs), 1, targets),
    [snapshotKey],
  );
  const timestamp = await signTufFile(
    draftTimestamp(1, instantText(BIRTH_MS + validity.timestampMs), 1, snapshot),
    [timestampKey],
  );
  return {
    root: await signTufFile(root, officers.slice(1)),
    targets,
    snapshot,
    timestamp,
    targetFiles: new Map([['a.json', body]]),
  };
}

/** Remembers in memory what PostgreSQL remembers in earnest. */
class MemoryRecord implements SigningRecord {
  newest: OnlineFiles | undefined;

  async exclusively<T>(story: Parameters<SigningRecord['exclusively']>[0]): Promise<T> {
    let pending: OnlineFiles | undefined;
    const result = await story({
      newest: () => Promise.resolve(this.newest),
      record: (files) => {
        pending = { snapshot: files.snapshot, timestamp: files.timestamp };
        return Promise.resolve();
      },
    });
    this.newest = pending ?? this.newest;
    return result as T;
  }
}

describe('a repository that was damaged', () => {
  test('is refused with what to do, never with "hold genesis", and health says so', async () => {
    const path = await mkdtemp(join(tmpdir(), 'airseal-tuf-'));
    try {
      const directory = new RepositoryDirectory(path);
      const files = await genesis();
      await directory.publish(files);
      const [target = ''] = await readdir(join(path, 'targets'));
      await writeFile(join(path, 'targets', target), '{"other": true}');
      await expect(directory.read()).rejects.toMatchObject({ kind: 'corrupt', code: 'tuf/damaged' });
      await writeFile(join(path, 'targets', target), files.targetFiles.get('a.json') ?? '');
      await expect(directory.read()).resolves.toBeDefined();
      await writeFile(join(path, 'timestamp.json'), files.timestamp.subarray(0, 200));
      const refusal: unknown = await directory.read().catch((error: unknown) => error);
      expect(refusal).toMatchObject({ code: 'tuf/damaged' });
      const watch = new ExpiryWatch(new HeldClock(BIRTH_MS), new Metrics());
      watch.unreadable(refusal);
      expect(() => watch.probe()).toThrow(expect.objectContaining({ code: 'tuf/damaged' }));
      watch.see(files);
      expect(Object.keys(watch.probe())).toEqual(['root', 'targets', 'snapshot', 'timestamp']);
    } finally {
      await rm(path, { recursive: true });
    }
  });
});

describe('the online roles', () => {
  let path: string;
  let clock: HeldClock;
  let record: MemoryRecord;
  let directory: RepositoryDirectory;
  let asked: string[];

  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), 'airseal-tuf-'));
    clock = new HeldClock(BIRTH_MS);
    record = new MemoryRecord();
    directory = new RepositoryDirectory(path);
    asked = [];
    await directory.publish(await genesis());
  });
  afterEach(() => rm(path, { recursive: true }));

  const reSign = (): ReSignOnlineRoles =>
    new ReSignOnlineRoles({
      clock,
      directory,
      record,
      validity,
      published: () => undefined,
      signers: {
        snapshot: () => (asked.push('snapshot'), Promise.resolve(snapshotKey)),
        timestamp: () => (asked.push('timestamp'), Promise.resolve(timestampKey)),
      },
    });
  const versionOf = async (role: 'snapshot' | 'timestamp') =>
    parseTufFile((await directory.read())[role], role).signed.version;

  test('are left alone in the first half of their life, and the token is not asked', async () => {
    clock.advance(validity.timestampMs / 2 - 1000);
    expect(await reSign().execute()).toBe('nothing');
    expect(asked).toEqual([]);
  });

  test('get a new timestamp past half its life', async () => {
    clock.advance(validity.timestampMs / 2 + 1000);
    expect(await reSign().execute()).toBe('timestamp');
    expect(await versionOf('timestamp')).toBe(2);
    expect(await versionOf('snapshot')).toBe(1);
    const { expires } = parseTufFile((await directory.read()).timestamp, 'timestamp').signed;
    expect(instantMs(expires)).toBe(clock.nowMs() + validity.timestampMs);
    expect(await reSign().execute()).toBe('nothing');
  });

  test('get both past half the life of the snapshot, each one version up', async () => {
    clock.advance(validity.snapshotMs / 2 + 1000);
    expect(await reSign().execute()).toBe('snapshot and timestamp');
    expect([await versionOf('snapshot'), await versionOf('timestamp')]).toEqual([2, 2]);
  });

  test('that were recorded and not published are published with the same bytes, not signed again', async () => {
    clock.advance(validity.timestampMs / 2 + 1000);
    await reSign().execute();
    const { timestamp } = await directory.read();
    await rm(path, { recursive: true });
    await directory.publish(await genesis().then(() => restored));
    expect(await versionOf('timestamp')).toBe(1);
    expect(await reSign().execute()).toBe('nothing');
    expect((await directory.read()).timestamp).toEqual(timestamp);
  });

  let restored: RepositoryFiles;
  beforeEach(async () => {
    restored = await directory.read();
  });

  test('publish nothing when the token cannot sign', async () => {
    clock.advance(validity.timestampMs / 2 + 1000);
    const broken = new ReSignOnlineRoles({
      clock,
      directory,
      record,
      validity,
      published: () => undefined,
      signers: {
        snapshot: () => Promise.resolve(snapshotKey),
        timestamp: () => Promise.reject(new Error('removed')),
      },
    });
    await expect(broken.execute()).rejects.toThrow('removed');
    expect(await versionOf('timestamp')).toBe(1);
    expect(record.newest).toBeUndefined();
  });

  test('refuse a signature by a key that the root does not list', async () => {
    clock.advance(validity.timestampMs / 2 + 1000);
    const stranger = softKey();
    const wrong = new ReSignOnlineRoles({
      clock,
      directory,
      record,
      validity,
      published: () => undefined,
      signers: { snapshot: () => Promise.resolve(stranger), timestamp: () => Promise.resolve(stranger) },
    });
    await expect(wrong.execute()).rejects.toMatchObject({ code: 'tuf/signature' });
    expect(await versionOf('timestamp')).toBe(1);
  });

  test('never overwrite a numbered file with other bytes', async () => {
    await writeFile(join(path, '1.targets.json'), '{}');
    await expect(directory.publish(restored)).rejects.toMatchObject({ code: 'tuf/history' });
    expect((await readdir(path)).filter((name) => name.endsWith('.part'))).toEqual([]);
  });
});

test('timestamps live for four courier intervals, and a week at least', () => {
  expect(onlineValidity('12h').timestampMs).toBe(7 * DAY_MS);
  expect(onlineValidity('30d').timestampMs).toBe(120 * DAY_MS);
});
