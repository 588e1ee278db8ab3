/** CONTRACTS §4 and checklist lines 7 to 9, on the wire. */
import { describe, expect, test } from '@jest/globals';
import { installation } from '../kit/index.js';
import { hashLeaf, rootFromProof, treeRoot } from './merkle.js';
import { dsseV2, envelope, hashedRekordOverEnvelopeV2, hashedRekordV2, rebuiltLeafV2 } from './proposals.js';
import { type Certified, certified, Holder } from './signer.js';
import { readCheckpoint, rekorV2Key } from './trust.js';
import { type Answer, ask, askHttp2, post } from './wire.js';

const { shardOrigin } = installation();
const ENTRIES = '/api/v2/log/entries';
const HOST = new URL(shardOrigin).hostname;

interface LogEntry {
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

function expectEntryToHold(answer: Answer): LogEntry {
  expect(answer.headers['content-type']).toBe('application/json');
  const entry = JSON.parse(answer.text) as LogEntry;
  const log = rekorV2Key();
  const decimal = expect.stringMatching(/^(0|[1-9]\d*)$/) as unknown as string;
  // Exactly these: Go parses strictly, and wants what is empty to be there.
  expect(entry).toEqual({
    logIndex: decimal,
    logId: { keyId: log.logId.toString('base64') },
    kindVersion: { kind: 'hashedrekord', version: '0.0.2' },
    integratedTime: '0',
    inclusionPromise: null,
    inclusionProof: {
      logIndex: entry.logIndex,
      rootHash: expect.any(String),
      treeSize: decimal,
      hashes: expect.any(Array),
      checkpoint: { envelope: expect.any(String) },
    },
    canonicalizedBody: expect.any(String),
  });
  const { inclusionProof } = entry;
  const checkpoint = readCheckpoint(inclusionProof.checkpoint.envelope, HOST, log);
  expect(checkpoint).toEqual({
    origin: HOST,
    size: Number(inclusionProof.treeSize),
    root: Buffer.from(inclusionProof.rootHash, 'base64'),
  });
  const leaf = hashLeaf(Buffer.from(entry.canonicalizedBody, 'base64'));
  const proof = inclusionProof.hashes.map((hash) => Buffer.from(hash, 'base64'));
  expect(rootFromProof(leaf, Number(entry.logIndex), checkpoint.size, proof)).toEqual(checkpoint.root);
  return entry;
}

describe('creating an entry of v2', () => {
  test('answers 201 within a second, and the leaf is what sigstore-go rebuilds from the bundle', async () => {
    for (const proposer of [await certified(), new Holder()]) {
      const request = hashedRekordV2(proposer, 'rebuilt');
      const started = performance.now();
      const answer = await post(shardOrigin, ENTRIES, request);
      expect(performance.now() - started).toBeLessThan(1000);
      expect(answer.statusLine).toBe('HTTP/1.1 201 Created');
      expect(answer.headers).not.toHaveProperty('etag');
      const { canonicalizedBody } = expectEntryToHold(answer);
      const { digest, signature } = request.hashedRekordRequestV002;
      expect(Buffer.from(canonicalizedBody, 'base64')).toEqual(
        rebuiltLeafV2(proposer, digest, signature.content),
      );
    }
  });

  test('answers the same over HTTP/2, and reads members in either spelling', async () => {
    const { hashedRekordRequestV002: request } = hashedRekordV2(new Holder(), 'snake');
    const { signature } = request;
    const snake = {
      hashed_rekord_request_v002: {
        digest: request.digest,
        signature: {
          content: signature.content,
          verifier: {
            public_key: {
              raw_bytes: (signature.verifier as { publicKey: { rawBytes: string } }).publicKey.rawBytes,
            },
            key_details: signature.verifier.keyDetails,
          },
        },
      },
    };
    const answer = await askHttp2(shardOrigin, {
      method: 'POST',
      path: ENTRIES,
      body: JSON.stringify(snake),
      headers: { 'content-type': 'application/json' },
    });
    expect([answer.status, answer.text.slice(0, 1)]).toEqual([201, '{']);
    expectEntryToHold(answer);
  });

  test('logs an envelope as hashedrekord over its encoding, whichever way the client asks', async () => {
    const signer: Certified = await certified();
    for (const request of [dsseV2, hashedRekordOverEnvelopeV2]) {
      const wrapped = envelope(signer, `an image, ${request.name}`);
      const answer = await post(shardOrigin, ENTRIES, request(signer, wrapped));
      expect([request.name, answer.status]).toEqual([request.name, 201]);
      const { canonicalizedBody } = expectEntryToHold(answer);
      const { digest } = hashedRekordOverEnvelopeV2(signer, wrapped).hashedRekordRequestV002;
      const rebuilt = rebuiltLeafV2(signer, digest, wrapped.signatures[0]?.sig ?? '');
      expect(Buffer.from(canonicalizedBody, 'base64')).toEqual(rebuilt);
    }
  });

  test('answers a duplicate whose first answer arrived with 409 and the index', async () => {
    const request = hashedRekordV2(new Holder(), 'twice');
    const { logIndex } = expectEntryToHold(await post(shardOrigin, ENTRIES, request));
    const again = await post(shardOrigin, ENTRIES, request);
    expect(again.statusLine).toBe('HTTP/1.1 409 Conflict');
    expect(again.headers['x-log-index']).toBe(logIndex);
    expect(again.headers['content-type']).toBe('application/json');
    expect(JSON.parse(again.text)).toEqual({
      code: 6,
      message: `an equivalent entry already exists in the transparency log with index ${logIndex}`,
      details: [],
    });
  });
});

describe('reading the log of v2', () => {
  const bytes = async (path: string): Promise<Buffer> => {
    const answer = await ask(shardOrigin, { path: `/api/v2/${path}` });
    expect([path, answer.statusLine]).toEqual([path, 'HTTP/1.1 200 OK']);
    expect(answer.headers['content-type']).toBe('application/octet-stream');
    expect(answer.headers['content-length']).toBe(String(answer.body.length));
    expect(answer.headers['cache-control']).toMatch(/immutable/);
    return answer.body;
  };

  test('entry bundles and tiles lead to the root of the checkpoint', async () => {
    await post(shardOrigin, ENTRIES, hashedRekordV2(new Holder(), 'one more'));
    const answer = await ask(shardOrigin, { path: '/api/v2/checkpoint' });
    expect(answer.statusLine).toBe('HTTP/1.1 200 OK');
    expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(answer.headers['cache-control']).toBe('no-cache');
    const { size, root, origin } = readCheckpoint(answer.text, HOST, rekorV2Key());
    expect(origin).toBe(HOST);
    expect(size).toBeGreaterThan(0);

    const leaves: Buffer[] = [];
    const hashes: Buffer[] = [];
    for (let n = 0; n * 256 < size; n++) {
      const width = Math.min(256, size - n * 256);
      const suffix = `${String(n).padStart(3, '0')}${width === 256 ? '' : `.p/${width}`}`;
      leaves.push(...entriesOf(await bytes(`tile/entries/${suffix}`)));
      const tile = await bytes(`tile/0/${suffix}`);
      expect(tile).toHaveLength(32 * width);
      for (let at = 0; at < tile.length; at += 32) hashes.push(tile.subarray(at, at + 32));
    }
    expect(leaves).toHaveLength(size);
    expect(leaves.map(hashLeaf)).toEqual(hashes);
    expect(treeRoot(hashes)).toEqual(root);
  });

  test('a narrower tile of the past is a prefix of the one of today', async () => {
    await post(shardOrigin, ENTRIES, hashedRekordV2(new Holder(), 'one for the prefix'));
    const { size } = readCheckpoint(
      (await ask(shardOrigin, { path: '/api/v2/checkpoint' })).text,
      HOST,
      rekorV2Key(),
    );
    const width = Math.min(size, 255);
    const [narrow, wide] = await Promise.all([bytes('tile/0/000.p/1'), bytes(`tile/0/000.p/${width}`)]);
    expect(narrow).toEqual(wide.subarray(0, 32));
  });

  /** Length-prefixed, sixteen bits (tlog-tiles). */
  function entriesOf(bundle: Buffer): Buffer[] {
    const entries: Buffer[] = [];
    for (let at = 0; at < bundle.length;) {
      const length = bundle.readUInt16BE(at);
      entries.push(bundle.subarray(at + 2, at + 2 + length));
      at += 2 + length;
    }
    return entries;
  }
});
