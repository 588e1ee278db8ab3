import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { parsePublicKey, verifySignature } from '#core/crypto';
import { merkleTreeLeaf, parseSct, sthSignedInput, verifySct, type LogEntry } from '#core/ct';
import { leafHash, verifyConsistency, verifyInclusion } from '#core/merkle';
import { fromBase64, toBase64 } from '#core/octets';
import { parsePem } from '#core/pem';
import { parseCertificate } from '#core/x509';
import { CtLogs } from '#ct';
import { HeldClock } from '#platform';
import { doorApp } from '../../../../../test/kit/door-app.js';
import { freshTrees, type FreshTrees, type Replica } from '../../../../../test/kit/fresh-trees.js';
import { materialOf, SoftwareHsm } from '../../../../../test/kit/software-hsm.js';
import { CtDoorModule } from './ct.module.js';

const hsm = new SoftwareHsm();
const key = parsePublicKey(hsm.named('ct').spki);
const clock = new HeldClock(1_800_000_000_123);
const BASE = '/ct/2026-1/ct/v1';

/** A root, and certificates under it: openssl's, so that nothing here is judged by its own writer. */
const directory = mkdtempSync(join(tmpdir(), 'ct-spec-'));
function openssl(...argv: readonly string[]): void {
  execFileSync('openssl', argv, { cwd: directory, stdio: 'ignore' });
}
function der(name: string): Uint8Array {
  return parsePem(readFileSync(join(directory, `${name}.pem`), 'utf8'))[0]?.der ?? new Uint8Array();
}
function selfSigned(name: string): Uint8Array {
  openssl(
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '9'],
    ...['-subj', `/CN=${name}`, '-addext', 'basicConstraints=critical,CA:TRUE'],
    ...['-keyout', `${name}.key`, '-out', `${name}.pem`],
  );
  return der(name);
}
function issued(name: string, extensions: string): Uint8Array {
  writeFileSync(join(directory, `${name}.ext`), extensions);
  openssl(
    ...['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${name}`],
    ...['-keyout', `${name}.key`, '-out', `${name}.csr`],
  );
  openssl(
    ...['x509', '-req', '-in', `${name}.csr`, '-CA', 'root.pem', '-CAkey', 'root.key', '-days', '1'],
    ...['-set_serial', '77', '-extfile', `${name}.ext`, '-out', `${name}.pem`],
  );
  return der(name);
}

let world: FreshTrees;
let replica: Replica;
let app: NestFastifyApplication;
let logs: CtLogs;
let root: Uint8Array;
let leaf: Uint8Array;
let precertificate: Uint8Array;

beforeAll(async () => {
  root = selfSigned('root');
  leaf = issued('leaf', 'subjectAltName=email:a@b.c\n');
  precertificate = issued('pre', 'subjectAltName=email:a@b.c\n1.3.6.1.4.1.11129.2.4.3=critical,DER:0500\n');
  world = await freshTrees();
  replica = await world.replica();
  logs = await CtLogs.open({ trees: replica.trees, hsm, material: materialOf(hsm, [root]), clock });
  app = await doorApp(new Map([[CtLogs, logs]]), (ground) => CtDoorModule.on([ground]));
});
afterAll(async () => {
  await app.close();
  await world.drop();
  rmSync(directory, { recursive: true, force: true });
});

async function get(path: string) {
  return await app.inject({ method: 'GET', url: `${BASE}/${path}` });
}
async function add(verb: string, chain: readonly Uint8Array[]) {
  return await app.inject({
    method: 'POST',
    url: `${BASE}/${verb}`,
    payload: Buffer.from(JSON.stringify({ chain: chain.map(toBase64) })),
    headers: { 'content-type': 'application/json' },
  });
}

interface Sth {
  readonly tree_size: number;
  readonly timestamp: number;
  readonly sha256_root_hash: string;
  readonly tree_head_signature: string;
}

/** The newest head, once it covers `size` entries: promises do not wait for it. */
async function sth(size: number): Promise<Sth> {
  for (let turn = 0; turn < 300; turn++) {
    const head = JSON.parse((await get('get-sth')).body) as Sth;
    if (head.tree_size >= size) return head;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`no head over ${size} entries`);
}

const entry: LogEntry = {
  kind: 'precertificate',
  issuerKeyHash: new Uint8Array(32).fill(1),
  tbs: new Uint8Array(9).fill(2),
};

describe('the certificate log', () => {
  test('serves the head of an empty tree', async () => {
    expect(await sth(0)).toMatchObject({ tree_size: 0 });
  });

  test('promises for what it has sequenced, in a promise that verifies', async () => {
    const sct = parseSct(await logs.active.promise(entry.tbs, entry.issuerKeyHash, precertificate, [root]));
    verifySct(sct, entry, key);
    expect(sct.timestampMs).toBe(1_800_000_000_123n);
    expect(sct.extensions).toHaveLength(0);
    const head = await sth(1);
    const { entries } = JSON.parse((await get('get-entries?start=0&end=0')).body) as {
      entries: { leaf_input: string }[];
    };
    expect(entries).toHaveLength(1);
    expect(fromBase64(entries[0]?.leaf_input ?? '')).toEqual(merkleTreeLeaf(sct.timestampMs, entry));
    verifySignature(
      key,
      sthSignedInput(BigInt(head.timestamp), BigInt(head.tree_size), fromBase64(head.sha256_root_hash)),
      fromBase64(head.tree_head_signature).subarray(4),
    );
  });

  test('promises the same time again for the same certificate', async () => {
    clock.advance(5000);
    const again = parseSct(await logs.active.promise(entry.tbs, entry.issuerKeyHash, precertificate, [root]));
    verifySct(again, entry, key);
    expect(again.timestampMs).toBe(1_800_000_000_123n);
  });

  test.each(['with', 'without'])('takes chains %s their root', async (root_) => {
    const made = await add('add-chain', root_ === 'with' ? [leaf, root] : [leaf]);
    expect(made.statusCode).toBe(200);
    const answer = JSON.parse(made.body) as Record<string, unknown>;
    expect(Object.keys(answer)).toEqual(['sct_version', 'id', 'timestamp', 'extensions', 'signature']);
    expect(answer).toMatchObject({ sct_version: 0, extensions: '', timestamp: 1_800_000_005_123 });
    verifySct(
      {
        logId: fromBase64(String(answer['id'])),
        timestampMs: BigInt(Number(answer['timestamp'])),
        extensions: new Uint8Array(),
        signature: fromBase64(String(answer['signature'])).subarray(4),
      },
      { kind: 'certificate', der: leaf },
      key,
    );
  });

  test('takes precertificates where they belong, and nowhere else', async () => {
    expect((await add('add-pre-chain', [precertificate, root])).statusCode).toBe(200);
    expect((await add('add-chain', [precertificate, root])).statusCode).toBe(400);
    expect((await add('add-pre-chain', [leaf, root])).statusCode).toBe(400);
  });

  test('refuses chains that do not end in a root of ours, or do not hold', async () => {
    const stranger = selfSigned('stranger');
    for (const chain of [[], [leaf, stranger], [stranger], [leaf, leaf, root], [leaf.subarray(1), root]]) {
      const answer = await add('add-chain', chain);
      expect(answer.statusCode).toBe(400);
      expect(answer.headers['content-type']).toMatch(/^text\/plain/);
    }
    const forged = Buffer.from(leaf);
    forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
    expect((await add('add-chain', [forged, root])).statusCode).toBe(400);
  });

  test('proves inclusion by hash and consistency between heads', async () => {
    const head = await sth(3);
    const rootOf = { size: BigInt(head.tree_size), root: fromBase64(head.sha256_root_hash) };
    const hash = leafHash(merkleTreeLeaf(1_800_000_005_123n, { kind: 'certificate', der: leaf }));
    const query = `get-proof-by-hash?hash=${encodeURIComponent(toBase64(hash))}&tree_size=${head.tree_size}`;
    const proof = JSON.parse((await get(query)).body) as { leaf_index: number; audit_path: string[] };
    verifyInclusion(hash, BigInt(proof.leaf_index), proof.audit_path.map(fromBase64), rootOf);

    const both = JSON.parse(
      (await get(`get-entry-and-proof?leaf_index=0&tree_size=${head.tree_size}`)).body,
    ) as {
      leaf_input: string;
      extra_data: string;
      audit_path: string[];
    };
    const first = leafHash(fromBase64(both.leaf_input));
    verifyInclusion(first, 0n, both.audit_path.map(fromBase64), rootOf);
    const { consistency } = JSON.parse(
      (await get(`get-sth-consistency?first=1&second=${head.tree_size}`)).body,
    ) as {
      consistency: string[];
    };
    verifyConsistency({ size: 1n, root: first }, rootOf, consistency.map(fromBase64));
  });

  test('names its roots', async () => {
    expect(JSON.parse((await get('get-roots')).body)).toEqual({ certificates: [toBase64(root)] });
    expect(parseCertificate(root).sans).toEqual([]);
  });

  test.each([
    ['get-entries?start=5&end=1', 400],
    ['get-entries?start=999&end=999', 400],
    ['get-entries?start=-1&end=1', 400],
    ['get-proof-by-hash?hash=AA&tree_size=1', 400],
    [`get-proof-by-hash?hash=${'A'.repeat(43)}%3D&tree_size=1`, 404],
    ['get-sth-consistency?first=2&second=1', 400],
    ['get-entry-and-proof?leaf_index=1&tree_size=1', 400],
  ])('answers %s with %i in plain text', async (path, status) => {
    const answer = await get(path);
    expect(answer.statusCode).toBe(status);
    expect(answer.headers['content-type']).toMatch(/^text\/plain/);
  });

  test('renews its head although nothing was added', async () => {
    const before = await sth(0);
    clock.advance(3_600_000);
    await logs.active.tree.renew();
    const after = await sth(0);
    expect(after).toMatchObject({ tree_size: before.tree_size, sha256_root_hash: before.sha256_root_hash });
    expect(after.timestamp).toBeGreaterThan(before.timestamp);
  });
});

test('a log of another name is not there', async () => {
  expect((await app.inject({ method: 'GET', url: '/ct/none/ct/v1/get-sth' })).statusCode).toBe(404);
});
