import { describe, expect, test } from '@jest/globals';
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { canonicalize } from '@tufjs/canonical-json';
import { Metadata, MetadataKind } from '@tufjs/models';
import { fromUtf8, toUtf8 } from '#core/octets';
import {
  draftRoot,
  draftSnapshot,
  draftTargets,
  draftTimestamp,
  formatTufFile,
  lintRoot,
  parseTufFile,
  signingInput,
  tufKey,
  tufKeyId,
  tufSignature,
  verifyRepository,
  verifyTufFile,
  type AnySigned,
  type RootSigned,
} from './index.js';

interface Pair {
  readonly spki: Uint8Array;
  readonly privateKey: KeyObject;
}

function pair(namedCurve = 'P-256'): Pair {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve });
  return { spki: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' })), privateKey };
}

function signed(body: AnySigned, ...signers: readonly Pair[]): Uint8Array {
  return formatTufFile({
    signed: body,
    signatures: signers.map((signer) =>
      tufSignature(signer.spki, sign('sha256', signingInput(body), signer.privateKey)),
    ),
  });
}

const officers = [pair(), pair(), pair()] as const;
const online = { snapshot: pair(), timestamp: pair() };
const EXPIRES = '2027-11-21T00:00:00Z';
const NOW = '2026-11-21T00:00:00Z';

const root = draftRoot({
  version: 1,
  expires: EXPIRES,
  roles: {
    root: { keys: officers.map(({ spki }) => spki), threshold: 2 },
    targets: { keys: officers.map(({ spki }) => spki), threshold: 2 },
    snapshot: { keys: [online.snapshot.spki], threshold: 1 },
    timestamp: { keys: [online.timestamp.spki], threshold: 1 },
  },
});
const bytes = fromUtf8('{"a":1}\n');
const custom = { usage: 'Rekor', status: 'Active', uri: 'https://rekor.example' } as const;
const targets = draftTargets(1, EXPIRES, [{ name: 'rekor.pub', bytes, custom }]);

function repository() {
  const targetsFile = signed(targets, officers[0], officers[2]);
  const snapshotFile = signed(draftSnapshot(1, EXPIRES, 1, targetsFile), online.snapshot);
  const timestampFile = signed(draftTimestamp(1, EXPIRES, 1, snapshotFile), online.timestamp);
  return {
    root: signed(root, officers[0], officers[1]),
    targets: targetsFile,
    snapshot: snapshotFile,
    timestamp: timestampFile,
    targetFiles: new Map([['rekor.pub', bytes]]),
  };
}

describe('a key', () => {
  test('has the id that the reference canonicaliser leads to', () => {
    const key = tufKey(officers[0].spki);
    const model = Metadata.fromJSON(MetadataKind.Root, JSON.parse(toUtf8(repository().root)));
    expect(Object.keys(model.signed.keys)).toContain(tufKeyId(key));
  });

  test('of another curve is refused', () => {
    expect(() => tufKey(pair('P-384').spki)).toThrow(expect.objectContaining({ code: 'tuf/key-type' }));
  });
});

describe('metadata', () => {
  test('is signed over the bytes that the reference canonicaliser writes', () => {
    for (const body of [root, targets]) {
      expect(toUtf8(signingInput(body))).toBe(canonicalize(body));
    }
  });

  test('satisfies the models of tuf-js at every step from root to target', () => {
    const files = repository();
    const json = (file: Uint8Array) => JSON.parse(toUtf8(file));
    const model = Metadata.fromJSON(MetadataKind.Root, json(files.root));
    model.verifyDelegate('root', model);
    model.verifyDelegate('targets', Metadata.fromJSON(MetadataKind.Targets, json(files.targets)));
    model.verifyDelegate('snapshot', Metadata.fromJSON(MetadataKind.Snapshot, json(files.snapshot)));
    const timestamp = Metadata.fromJSON(MetadataKind.Timestamp, json(files.timestamp));
    model.verifyDelegate('timestamp', timestamp);
    timestamp.signed.snapshotMeta.verify(Buffer.from(files.snapshot));
  });

  test('refuses expiries with a fraction or a zone, and version 0', () => {
    for (const expires of ['2027-11-21T00:00:00.000Z', '2027-11-21T00:00:00+00:00', '2027-11-21']) {
      expect(() => draftTargets(1, expires, [])).toThrow(expect.objectContaining({ code: 'tuf/expires' }));
    }
    expect(() => draftTargets(0, EXPIRES, [])).toThrow(expect.objectContaining({ code: 'tuf/version' }));
  });

  test('whose list of signatures holds nothing is not metadata', () => {
    const file = { signatures: [null], signed: root };
    expect(() => parseTufFile(new TextEncoder().encode(JSON.stringify(file)), 'root')).toThrow(
      expect.objectContaining({ code: 'tuf/not-metadata' }),
    );
  });

  test('refuses target names with a path in them', () => {
    for (const name of ['a/b', '../a', '', '.hidden', 'a b']) {
      expect(() => draftTargets(1, EXPIRES, [{ name, bytes }])).toThrow(
        expect.objectContaining({ code: 'tuf/target-name' }),
      );
    }
  });
});

describe('verification', () => {
  test('accepts the repository it is given whole', () => {
    verifyRepository(repository(), NOW);
  });

  test('refuses one signature where two are needed, and one signature given twice', () => {
    const once = parseTufFile(signed(targets, officers[0]), 'targets');
    const twice = parseTufFile(signed(targets, officers[0], officers[0]), 'targets');
    expect(() => verifyTufFile(root, once)).toThrow(expect.objectContaining({ code: 'tuf/threshold' }));
    expect(() => verifyTufFile(root, twice)).toThrow(expect.objectContaining({ code: 'tuf/signature' }));
  });

  test('refuses a signature of an online key under targets', () => {
    const file = parseTufFile(signed(targets, officers[0], online.snapshot), 'targets');
    expect(() => verifyTufFile(root, file)).toThrow(expect.objectContaining({ code: 'tuf/signature' }));
  });

  test('refuses what expired, what was swapped and what is missing', () => {
    const files = repository();
    expect(() => verifyRepository(files, EXPIRES)).toThrow(expect.objectContaining({ code: 'tuf/expired' }));
    const other = { ...files, targets: signed({ ...targets, version: 2 }, officers[0], officers[1]) };
    expect(() => verifyRepository(other, NOW)).toThrow(expect.objectContaining({ code: 'tuf/inconsistent' }));
    expect(() => verifyRepository({ ...files, targetFiles: new Map() }, NOW)).toThrow(
      expect.objectContaining({ code: 'tuf/target' }),
    );
  });
});

describe('the lints of a root', () => {
  const id = (at: 0 | 1 | 2) => tufKeyId(tufKey(officers[at].spki));
  const officerIds = [id(0), id(1), id(2)];
  const withRole = (role: 'root' | 'snapshot', keyids: string[], threshold: number): RootSigned => ({
    ...root,
    roles: { ...root.roles, [role]: { keyids, threshold } },
  });
  const samples: readonly (readonly [string, string, RootSigned])[] = [
    ['T1', 'a version that leaves one out', { ...root, version: 2 }],
    [
      'T2',
      'an id that is not the digest of its key',
      { ...root, keys: { ...root.keys, ['0'.repeat(64)]: tufKey(pair().spki) } },
    ],
    ['T3', 'an officer who also signs snapshots', withRole('snapshot', [id(0)], 1)],
    ['T4', 'a threshold of one', withRole('root', officerIds, 1)],
    ['T4', 'a threshold without a spare', withRole('root', officerIds, 3)],
    ['T5', 'a root born expired', { ...root, expires: NOW }],
    ['T6', 'no consistent snapshots', { ...root, consistent_snapshot: false }],
  ];

  test('find nothing in a good one', () => {
    expect(lintRoot(root, undefined, NOW)).toEqual([]);
  });

  test.each(samples)('%s finds %s', (lint, _what, sample) => {
    const found = lintRoot(sample, undefined, NOW).map((finding) => finding.lint);
    expect(new Set(found)).toContain(lint);
  });
});
