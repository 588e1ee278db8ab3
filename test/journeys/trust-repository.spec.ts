/** CONTRACTS §6, §7 and checklist lines 11 and 12, on the wire. */
import { describe, expect, test } from '@jest/globals';
import { createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { canonicalize } from '@tufjs/canonical-json';
import { installation } from '../kit/index.js';
import { sha256 } from './signer.js';
import { type Answer, ask, askHttp2 } from './wire.js';

const { origin, trustedRoot } = installation();

interface Key {
  readonly keytype: string;
  readonly scheme: string;
  readonly keyval: { readonly public: string };
}

interface Described {
  readonly version?: number;
  readonly length: number;
  readonly hashes: Readonly<Record<string, string>>;
  readonly custom?: { readonly sigstore: { readonly usage: string; readonly status: string } };
}

interface Metadata {
  readonly signatures: readonly { readonly keyid: string; readonly sig: string }[];
  readonly signed: {
    readonly _type: string;
    readonly spec_version: string;
    readonly version: number;
    readonly expires: string;
    readonly consistent_snapshot?: boolean;
    readonly keys?: Readonly<Record<string, Key>>;
    readonly roles?: Readonly<
      Record<string, { readonly keyids: readonly string[]; readonly threshold: number }>
    >;
    readonly meta?: Readonly<Record<string, Described>>;
    readonly targets?: Readonly<Record<string, Described>>;
  };
}

async function get(path: string): Promise<Answer> {
  const answer = await ask(origin, { path: `/tuf/${path}` });
  expect([path, answer.statusLine]).toEqual([path, 'HTTP/1.1 200 OK']);
  expect(answer.headers['content-length']).toBe(String(answer.body.length));
  expect(answer.headers).not.toHaveProperty('content-encoding');
  return answer;
}

const read = async (path: string): Promise<Metadata> => JSON.parse((await get(path)).text) as Metadata;

/** How many keys of the role signed it, each key counting once. */
function signers(root: Metadata, role: string, metadata: Metadata): number {
  const text = canonicalize(metadata.signed);
  const allowed = root.signed.roles?.[role]?.keyids ?? [];
  return metadata.signatures.filter(({ keyid, sig }) => {
    const key = root.signed.keys?.[keyid];
    if (key === undefined || !allowed.includes(keyid)) return false;
    expect(sig).toMatch(/^[0-9a-f]+$/);
    return verify('sha256', Buffer.from(text), createPublicKey(key.keyval.public), Buffer.from(sig, 'hex'));
  }).length;
}

describe('the TUF repository', () => {
  test('is one unbroken chain of signatures from the first root to every target', async () => {
    const root = await read('1.root.json');
    const timestamp = await read('timestamp.json');
    const snapshot = await read(`${timestamp.signed.meta?.['snapshot.json']?.version}.snapshot.json`);
    const targets = await read(`${snapshot.signed.meta?.['targets.json']?.version}.targets.json`);
    for (const [role, metadata] of Object.entries({ root, timestamp, snapshot, targets })) {
      expect(metadata.signed).toMatchObject({
        _type: role,
        spec_version: expect.stringMatching(/^1\.0(\.\d+)?$/) as unknown,
      });
      expect(metadata.signed.expires).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      expect(Date.parse(metadata.signed.expires)).toBeGreaterThan(Date.now());
      expect(signers(root, role, metadata)).toBeGreaterThanOrEqual(
        root.signed.roles?.[role]?.threshold ?? Infinity,
      );
      expect(new Set(metadata.signatures.map(({ keyid }) => keyid)).size).toBe(metadata.signatures.length);
    }
    expect(root.signed.consistent_snapshot).toBe(true);
    expect(root.signed.roles?.['root']).toMatchObject({ threshold: 2, keyids: { length: 3 } });
    expect(root.signed.roles?.['targets']).toMatchObject({ threshold: 2, keyids: { length: 3 } });
  });

  test('names each key by the hash of the whole canonical key object', async () => {
    const { signed } = await read('1.root.json');
    const keys = Object.entries(signed.keys ?? {});
    expect(keys.length).toBeGreaterThanOrEqual(4);
    for (const [id, key] of keys) {
      expect(id).toBe(sha256(canonicalize(key)).toString('hex'));
      expect([key.keytype, key.scheme]).toEqual(['ecdsa', 'ecdsa-sha2-nistp256']);
      expect(key.keyval.public.endsWith('-----END PUBLIC KEY-----\n')).toBe(true);
    }
  });

  test('serves every target under its hash, byte for byte as signed', async () => {
    const { signed } = await read('1.targets.json');
    const targets = Object.entries(signed.targets ?? {});
    expect(targets.map(([name]) => name)).toEqual(
      expect.arrayContaining([
        'trusted_root.json',
        'signing_config.v0.2.json',
        'signing_config_rekor_v2.v0.2.json',
        'rekor.pub',
        'ctfe.pub',
      ]),
    );
    for (const [name, { length, hashes, custom }] of targets) {
      expect(Object.keys(hashes)).toEqual(['sha256']);
      const { body } = await get(`targets/${hashes['sha256']}.${name}`);
      expect(body).toHaveLength(length);
      expect(sha256(body).toString('hex')).toBe(hashes['sha256']);
      if (custom !== undefined)
        expect(custom.sigstore).toMatchObject({
          status: 'Active',
          usage: expect.stringMatching(/^(Fulcio|Rekor|CTFE|TSA)$/) as unknown,
        });
    }
    const hash = signed.targets?.['trusted_root.json']?.hashes['sha256'];
    expect((await get(`targets/${hash}.trusted_root.json`)).body).toEqual(readFileSync(trustedRoot));
  });

  test('answers a plain 404 for the next root, over HTTP/1.1 and HTTP/2', async () => {
    expect((await ask(origin, { path: '/tuf/2.root.json' })).statusLine).toBe('HTTP/1.1 404 Not Found');
    expect((await askHttp2(origin, { path: '/tuf/2.root.json' })).status).toBe(404);
  });

  test('also serves the newest root by its bare name', async () => {
    expect((await get('root.json')).body).toEqual((await get('1.root.json')).body);
  });
});

describe('the files of trust', () => {
  async function target(name: string): Promise<Record<string, unknown>> {
    const { signed } = await read('1.targets.json');
    return JSON.parse(
      (await get(`targets/${signed.targets?.[name]?.hashes['sha256']}.${name}`)).text,
    ) as Record<string, unknown>;
  }

  test('hold only what the oldest strict reader knows', async () => {
    const root = await target('trusted_root.json');
    expect(root['mediaType']).toBe('application/vnd.dev.sigstore.trustedroot+json;version=0.1');
    expect(Object.keys(root).toSorted()).toEqual([
      'certificateAuthorities',
      'ctlogs',
      'mediaType',
      'timestampAuthorities',
      'tlogs',
    ]);
    const text = JSON.stringify(root);
    expect(text).not.toContain('"operator"');
    expect(text).not.toContain('"checkpointKeyId"');
  });

  test('send clients to v1 by default and to v2 by choice, with whole URLs', async () => {
    const plain = await target('signing_config.v0.2.json');
    const v2 = await target('signing_config_rekor_v2.v0.2.json');
    const services = (config: Record<string, unknown>, name: string) =>
      (config[name] as { url: string; majorApiVersion: number }[]).map(
        ({ url, majorApiVersion }) => `${majorApiVersion} ${url}`,
      );
    const { shardOrigin } = installation();
    for (const config of [plain, v2]) {
      expect(config['mediaType']).toBe('application/vnd.dev.sigstore.signingconfig.v0.2+json');
      expect(services(config, 'caUrls')).toEqual([`1 ${origin}`]);
      expect(services(config, 'tsaUrls')).toEqual([`1 ${origin}/api/v1/timestamp`]);
      expect(config['rekorTlogConfig']).toEqual({ selector: 'ANY' });
      expect(config['tsaConfig']).toEqual({ selector: 'ANY' });
    }
    expect(services(plain, 'rekorTlogUrls')).toEqual([`1 ${origin}`]);
    expect(services(v2, 'rekorTlogUrls')).toContain(`2 ${shardOrigin}`);
  });
});
