/** CONTRACTS §3 and checklist lines 5 to 7, on the wire. */
import { describe, expect, test } from '@jest/globals';
import { createPublicKey } from 'node:crypto';
import { verifyConsistency } from '#core/merkle';
import { installation } from '../kit/index.js';
import { hashLeaf, rootFromProof } from './merkle.js';
import { dsseV1, envelope, hashedRekordV1, intotoV001, intotoV002, statement } from './proposals.js';
import { type Certified, certified, Holder, sha256 } from './signer.js';
import { type ReadCheckpoint, readCheckpoint, rekorV1Key, signed } from './trust.js';
import { type Answer, ask, askHttp2, post } from './wire.js';

const { origin } = installation();
const ENTRIES = '/api/v1/log/entries';
const HOST = new URL(origin).hostname;

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

function onlyEntry(text: string): { id: string; entry: Entry } {
  const members = Object.entries(JSON.parse(text) as Record<string, Entry>);
  expect(members).toHaveLength(1);
  const [[id, entry] = ['', undefined]] = members;
  if (entry === undefined) throw new Error('no entry');
  return { id, entry };
}

const nameOfTree = (id: string): string => BigInt(`0x${id.slice(0, 16)}`).toString();

/** All that a client could check of an entry, checked. */
function expectEntryToHold({ id, entry }: { id: string; entry: Entry }): ReadCheckpoint {
  const log = rekorV1Key();
  const { inclusionProof, signedEntryTimestamp } = entry.verification;
  expect(Object.keys(entry).filter((name) => name !== 'attestation')).toEqual([
    'body',
    'integratedTime',
    'logID',
    'logIndex',
    'verification',
  ]);
  expect(Object.keys(entry.verification).toSorted()).toEqual(['inclusionProof', 'signedEntryTimestamp']);
  expect(Object.keys(inclusionProof).toSorted()).toEqual([
    'checkpoint',
    'hashes',
    'logIndex',
    'rootHash',
    'treeSize',
  ]);
  expect(entry.logID).toBe(log.logId.toString('hex'));
  expect(log.logId).toEqual(sha256(log.spki));

  const { body, integratedTime, logID, logIndex } = entry;
  // Spelt out: the canonical form has these four members in this order.
  const promised = `{"body":"${body}","integratedTime":${integratedTime},"logID":"${logID}","logIndex":${logIndex}}`;
  expect(signed(log, promised, Buffer.from(signedEntryTimestamp, 'base64'))).toBe(true);

  const leaf = hashLeaf(Buffer.from(body, 'base64'));
  expect(id).toMatch(/^[0-9a-f]{80}$/);
  expect(id.slice(16)).toBe(leaf.toString('hex'));
  const checkpoint = readCheckpoint(inclusionProof.checkpoint, HOST, log);
  expect(checkpoint).toEqual({
    origin: `${HOST} - ${nameOfTree(id)}`,
    size: inclusionProof.treeSize,
    root: Buffer.from(inclusionProof.rootHash, 'hex'),
  });
  const proof = inclusionProof.hashes.map((hash) => Buffer.from(hash, 'hex'));
  expect(rootFromProof(leaf, inclusionProof.logIndex, inclusionProof.treeSize, proof)).toEqual(
    checkpoint.root,
  );
  return checkpoint;
}

function expectFresh(answer: Answer): void {
  expect(answer.headers['cache-control']).toMatch(/no-cache/);
  expect(answer.headers['content-type']).toBe('application/json');
  expect(answer.text.endsWith('\n')).toBe(true);
  expect(answer.text.endsWith('\n\n')).toBe(false);
}

describe('creating an entry', () => {
  test('answers 201 with a bare ETag, Location, and a body that can be cut at fixed offsets', async () => {
    const signer = await certified();
    const proposal = hashedRekordV1(signer, 'raw bytes');
    const answer = await post(origin, ENTRIES, proposal);
    expect(answer.statusLine).toBe('HTTP/1.1 201 Created');
    const { id, entry } = onlyEntry(answer.text);
    expect(answer.headers['etag']).toBe(id);
    expect(answer.headers['location']).toBe(`${ENTRIES}/${id}`);
    expect(answer.headers['content-length']).toBe(String(answer.body.length));
    expect(answer.headers['access-control-allow-origin']).toBe('*');
    expectFresh(answer);
    expect(answer.text).toMatch(/^\{"[0-9a-f]{80}":\{"/);
    expect(answer.text).toBe(`${JSON.stringify(JSON.parse(answer.text))}\n`);
    // sigstore-rs: a JSON object out of what stands between two fixed offsets.
    expect(JSON.parse(answer.text.slice(1).slice(83, -2))).toEqual(entry);
    expectEntryToHold({ id, entry });
    const { validFrom, validTo } = signer.leaf;
    expect(entry.integratedTime).toBeGreaterThanOrEqual(Date.parse(validFrom) / 1000);
    expect(entry.integratedTime).toBeLessThanOrEqual(Date.parse(validTo) / 1000);
    // sigstore-java compares the body with what it sent.
    const { apiVersion, kind, spec } = proposal;
    const { data, signature } = spec;
    const { algorithm, value } = data.hash;
    const canonical =
      `{"apiVersion":"${apiVersion}","kind":"${kind}","spec":{"data":{"hash":{"algorithm":"${algorithm}","value":"${value}"}},` +
      `"signature":{"content":"${signature.content}","publicKey":{"content":"${signature.publicKey.content}"}}}}`;
    expect(Buffer.from(entry.body, 'base64').toString()).toBe(canonical);
  });

  test('answers the same over HTTP/2', async () => {
    const body = JSON.stringify(hashedRekordV1(new Holder(), 'over HTTP/2'));
    const answer = await askHttp2(origin, {
      method: 'POST',
      path: ENTRIES,
      body,
      headers: { 'content-type': 'application/json' },
    });
    expect(answer.status).toBe(201);
    const { id, entry } = onlyEntry(answer.text);
    expect(answer.headers['etag']).toBe(id);
    expectFresh(answer);
    expectEntryToHold({ id, entry });
  });

  test('answers a duplicate with 409 and the Location of the first', async () => {
    const proposal = hashedRekordV1(new Holder(), 'twice');
    const { id } = onlyEntry((await post(origin, ENTRIES, proposal)).text);
    const again = await post(origin, ENTRIES, proposal);
    expect(again.statusLine).toBe('HTTP/1.1 409 Conflict');
    expect(again.headers['location']).toBe(`${ENTRIES}/${id}`);
    expect(again.headers['content-type']).toBe('application/json');
    expect(again.headers).not.toHaveProperty('etag');
    expect(JSON.parse(again.text)).toEqual({
      code: 409,
      message: `an equivalent entry already exists in the transparency log with UUID ${id}`,
    });
  });

  test('of kind dsse hashes the envelope as it came and keeps no payload', async () => {
    const signer: Certified = await certified();
    const wrapped = envelope(signer, 'a container');
    const { id, entry } = onlyEntry(
      (await post(origin, ENTRIES, dsseV1(signer, 'a container', wrapped))).text,
    );
    expectEntryToHold({ id, entry });
    const pem = Buffer.from(`${signer.chain[0]}\n`).toString('base64');
    expect(JSON.parse(Buffer.from(entry.body, 'base64').toString())).toEqual({
      apiVersion: '0.0.1',
      kind: 'dsse',
      spec: {
        envelopeHash: { algorithm: 'sha256', value: sha256(JSON.stringify(wrapped)).toString('hex') },
        payloadHash: { algorithm: 'sha256', value: sha256(statement('a container')).toString('hex') },
        signatures: [{ signature: wrapped.signatures[0]?.sig, verifier: pem }],
      },
    });
  });

  test('of kind intoto 0.0.2 keeps the statement as attestation', async () => {
    const created = await post(origin, ENTRIES, intotoV002(new Holder(), 'attested'));
    expect([created.status, created.text.slice(0, 2)]).toEqual([201, '{"']);
    const { id } = onlyEntry(created.text);
    const { entry } = onlyEntry((await ask(origin, { path: `${ENTRIES}/${id}` })).text);
    expectEntryToHold({ id, entry });
    expect(Buffer.from(entry.attestation?.data ?? '', 'base64')).toEqual(statement('attested'));
    expect(Buffer.from(entry.body, 'base64').toString()).not.toContain('"payload"');
  });
});

describe('reading entries', () => {
  test('finds one by index, by entry ID and by UUID, each with a proof that holds', async () => {
    const { id, entry } = onlyEntry(
      (await post(origin, ENTRIES, hashedRekordV1(new Holder(), 'to be found'))).text,
    );
    for (const path of [
      `${ENTRIES}?logIndex=${entry.logIndex}`,
      `${ENTRIES}/${id}`,
      `${ENTRIES}/${id.slice(16)}`,
    ]) {
      const answer = await ask(origin, { path });
      expect([path, answer.statusLine]).toEqual([path, 'HTTP/1.1 200 OK']);
      expectFresh(answer);
      const found = onlyEntry(answer.text);
      expect(found.id).toBe(id);
      expect({ ...found.entry, verification: undefined }).toEqual({ ...entry, verification: undefined });
      expect(found.entry.verification.signedEntryTimestamp).toBe(entry.verification.signedEntryTimestamp);
      expectEntryToHold(found);
    }
  });

  test('answers 404 with no body for what is not there', async () => {
    for (const path of [
      `${ENTRIES}?logIndex=999999999`,
      `${ENTRIES}/${'0'.repeat(64)}`,
      `${ENTRIES}/${'0'.repeat(80)}`,
    ]) {
      const answer = await ask(origin, { path });
      expect([path, answer.statusLine, answer.text]).toEqual([path, 'HTTP/1.1 404 Not Found', '']);
    }
  });

  test('retrieves many under a trailing slash, skipping what is unknown', async () => {
    const { id, entry } = onlyEntry(
      (await post(origin, ENTRIES, hashedRekordV1(new Holder(), 'retrieved'))).text,
    );
    const answer = await post(origin, `${ENTRIES}/retrieve/`, {
      logIndexes: [entry.logIndex, 999_999_999],
      entryUUIDs: [id],
    });
    expect(answer.statusLine).toBe('HTTP/1.1 200 OK');
    expectFresh(answer);
    const found = JSON.parse(answer.text) as Record<string, Entry>[];
    expect(found.map((one) => Object.keys(one))).toEqual([[id], [id]]);
    for (const one of found) expectEntryToHold(onlyEntry(JSON.stringify(one)));
    const nothing = await post(origin, `${ENTRIES}/retrieve`, { logIndexes: [999_999_999] });
    expect([nothing.status, nothing.text]).toEqual([200, '[]\n']);
  });

  test('retrieves by [dsse, intoto], as cosign 2 asks for an attestation', async () => {
    const signer = await certified();
    const wrapped = envelope(signer, 'searched for');
    const { id } = onlyEntry((await post(origin, ENTRIES, dsseV1(signer, 'searched for', wrapped))).text);
    const entries = [dsseV1(signer, 'searched for', wrapped), intotoV001(signer, wrapped)];
    const answer = await post(origin, `${ENTRIES}/retrieve`, { entries });
    expect(answer.status).toBe(200);
    expect((JSON.parse(answer.text) as object[]).map((one) => Object.keys(one))).toEqual([[id]]);
  });

  test('refuses more than ten look-ups with 422', async () => {
    const eleven = Array.from({ length: 11 }, (_, index) => index);
    for (const body of [
      { logIndexes: eleven },
      { logIndexes: eleven.slice(0, 6), entryUUIDs: eleven.slice(0, 5).map(() => '0'.repeat(64)) },
    ]) {
      const answer = await post(origin, `${ENTRIES}/retrieve`, body);
      expect(answer.statusLine).toBe('HTTP/1.1 422 Unprocessable Entity');
      expect(answer.headers['content-type']).toBe('application/json');
      expect(JSON.parse(answer.text)).toMatchObject({ code: 422 });
    }
  });

  test('searches by hash, key and e-mail address', async () => {
    const signer = await certified();
    const proposal = hashedRekordV1(signer, 'searched');
    const { id } = onlyEntry((await post(origin, ENTRIES, proposal)).text);
    const content = proposal.spec.signature.publicKey.content;
    for (const query of [
      { hash: sha256('searched').toString('hex') },
      { hash: `sha256:${sha256('searched').toString('hex')}` },
      { publicKey: { format: 'x509', content } },
      { email: installation().identity.toUpperCase() },
    ]) {
      const answer = await post(origin, '/api/v1/index/retrieve', query);
      expect([query, answer.status]).toEqual([query, 200]);
      expectFresh(answer);
      expect(JSON.parse(answer.text)).toContain(id);
    }
    const nobody = await post(origin, '/api/v1/index/retrieve', { email: 'nobody@nowhere.invalid' });
    expect(nobody.text).toBe('[]\n');
  });
});

describe('the log', () => {
  interface LogInfo {
    readonly rootHash: string;
    readonly treeSize: number;
    readonly signedTreeHead: string;
    readonly treeID: string;
    readonly inactiveShards: readonly unknown[];
  }

  async function info(): Promise<LogInfo> {
    const answer = await ask(origin, { path: '/api/v1/log?stable=true' });
    expect(answer.status).toBe(200);
    expectFresh(answer);
    return JSON.parse(answer.text) as LogInfo;
  }

  test('tells size, root and checkpoint, and proves that it only grew', async () => {
    const before = await info();
    expect(before.treeID).toMatch(/^\d+$/);
    expect(before.treeSize).toBeGreaterThanOrEqual(1);
    expect(before.inactiveShards).toEqual([]);
    await post(origin, ENTRIES, hashedRekordV1(new Holder(), 'growth'));
    const after = await info();
    for (const { rootHash, signedTreeHead, treeID, treeSize } of [before, after]) {
      expect(readCheckpoint(signedTreeHead, HOST, rekorV1Key())).toEqual({
        origin: `${HOST} - ${treeID}`,
        size: treeSize,
        root: Buffer.from(rootHash, 'hex'),
      });
    }
    const answer = await ask(origin, {
      path: `/api/v1/log/proof?firstSize=${before.treeSize}&lastSize=${after.treeSize}&treeID=${after.treeID}`,
    });
    expect(answer.status).toBe(200);
    expectFresh(answer);
    const { rootHash, hashes } = JSON.parse(answer.text) as { rootHash: string; hashes: string[] };
    expect(rootHash).toBe(after.rootHash);
    const head = ({ treeSize, rootHash: root }: LogInfo) => ({
      size: BigInt(treeSize),
      root: new Uint8Array(Buffer.from(root, 'hex')),
    });
    verifyConsistency(
      head(before),
      head(after),
      hashes.map((hash) => new Uint8Array(Buffer.from(hash, 'hex'))),
    );
  });

  test('gives its key as bare PEM, per tree', async () => {
    const { treeID } = await info();
    for (const query of ['', `?treeID=${treeID}`]) {
      const answer = await ask(origin, { path: `/api/v1/log/publicKey${query}` });
      expect(answer.status).toBe(200);
      expect(answer.headers['content-type']).toBe('application/x-pem-file');
      expect(createPublicKey(answer.text).export({ type: 'spki', format: 'der' })).toEqual(rekorV1Key().spki);
    }
    const unknown = await ask(origin, { path: '/api/v1/log/publicKey?treeID=1' });
    expect([unknown.status, JSON.parse(unknown.text)]).toEqual([400, expect.objectContaining({ code: 400 })]);
  });
});
