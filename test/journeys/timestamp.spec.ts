/** CONTRACTS §5 and checklist line 10, on the wire. */
import { describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installation } from '../kit/index.js';
import { OID, timestampRequest } from './timestamp-requests.js';
import { trustedRoot } from './trust.js';
import { type Answer, ask, askHttp2, post } from './wire.js';

const { origin } = installation();
const PATH = '/api/v1/timestamp';
const QUERY = { 'Content-Type': 'application/timestamp-query' };

function chain(): Buffer[] {
  const [authority] = trustedRoot().timestampAuthorities;
  return (authority?.certChain.certificates ?? []).map(({ rawBytes }) => Buffer.from(rawBytes, 'base64'));
}

function expectGranted(answer: Answer): Buffer {
  expect(answer.statusLine).toBe('HTTP/1.1 200 OK');
  expect(answer.headers['content-type']).toBe('application/timestamp-reply');
  expect(answer.headers['content-length']).toBe(String(answer.body.length));
  // A SEQUENCE whose first member is the status, granted, and nothing beside it.
  expect(answer.body.subarray(0, 2)).toEqual(Buffer.from([0x30, 0x82]));
  expect(answer.body.readUInt16BE(2)).toBe(answer.body.length - 4);
  expect(answer.body.subarray(4, 9)).toEqual(Buffer.from('3003020100', 'hex'));
  return answer.body;
}

/** OpenSSL's own opinion. */
function verified(response: Buffer, digest: string): void {
  const directory = mkdtempSync(join(tmpdir(), 'airseal-ts-'));
  const pem = (der: Buffer): string => new X509Certificate(der).toString();
  try {
    const [leaf, intermediate, root] = chain();
    if (leaf === undefined || intermediate === undefined || root === undefined) throw new Error('no chain');
    writeFileSync(join(directory, 'answer.tsr'), response);
    writeFileSync(join(directory, 'root.pem'), pem(root));
    writeFileSync(join(directory, 'rest.pem'), pem(leaf) + pem(intermediate));
    execFileSync(
      'openssl',
      [
        'ts',
        '-verify',
        '-digest',
        digest,
        '-in',
        'answer.tsr',
        '-CAfile',
        'root.pem',
        '-untrusted',
        'rest.pem',
      ],
      { cwd: directory, stdio: 'pipe' },
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
}

describe('the timestamp authority', () => {
  test('stamps a DER request with every hash, echoes the nonce, and OpenSSL verifies it', async () => {
    for (const hash of ['sha256', 'sha384', 'sha512'] as const) {
      const digest = createHash(hash).update('stamped').digest();
      const nonce = Buffer.from('00ff112233445566', 'hex');
      const request = timestampRequest({ algorithm: OID[hash], digest, nonce });
      const response = expectGranted(await post(origin, PATH, request, QUERY));
      expect(response.includes(Buffer.concat([Buffer.from([2, nonce.length]), nonce]))).toBe(true);
      verified(response, digest.toString('hex'));
    }
  });

  test('puts the leaf in when asked, and nothing when not', async () => {
    const [leaf] = chain();
    const without = expectGranted(await post(origin, PATH, timestampRequest(), QUERY));
    const within = expectGranted(await post(origin, PATH, timestampRequest({ certReq: true }), QUERY));
    expect(without.includes(leaf ?? 'nothing')).toBe(false);
    expect(within.includes(leaf ?? 'nothing')).toBe(true);
    verified(within, createHash('sha256').update('stamped').digest('hex'));
  });

  test('stamps a JSON request, as sigstore-js asks, and over HTTP/2', async () => {
    const digest = createHash('sha256').update('from JSON').digest();
    const body = { artifactHash: digest.toString('base64'), hashAlgorithm: 'sha256' };
    verified(expectGranted(await post(origin, PATH, body)), digest.toString('hex'));
    const nonce = '18446744073709551557';
    const text = `{"artifactHash":"${body.artifactHash}","hashAlgorithm":"sha256","certificates":true,"nonce":${nonce},"tsaPolicyOID":"1.3.6.1.4.1.57264.2"}`;
    const answer = await askHttp2(origin, {
      method: 'POST',
      path: PATH,
      body: text,
      headers: { 'content-type': 'application/json' },
    });
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/timestamp-reply']);
    expect(answer.body.includes(Buffer.from('020900ffffffffffffffc5', 'hex'))).toBe(true);
    verified(answer.body, digest.toString('hex'));
  });

  test('names its policy, time and accuracy, never the same serial', async () => {
    const answers = await Promise.all(
      [1, 2].map(() => post(origin, PATH, timestampRequest({ policy: OID.policy }), QUERY)),
    );
    const [first, second] = answers.map(expectGranted);
    expect(first?.includes(OID.policy)).toBe(true);
    expect(first).not.toEqual(second);
    const [, time] = /\x18\x0f(\d{14})Z/.exec(first?.toString('latin1') ?? '') ?? [];
    const [year, month, day, hour, minute, second2] =
      (time ?? '').match(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/)?.slice(1) ?? [];
    const stamped = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second2}Z`);
    expect(Math.abs(Date.now() - stamped)).toBeLessThan(5000);
  });

  test('gives its chain as bare PEM, leaf first', async () => {
    const answer = await ask(origin, { path: `${PATH}/certchain` });
    expect(answer.statusLine).toBe('HTTP/1.1 200 OK');
    expect(answer.headers['content-type']).toBe('application/pem-certificate-chain');
    const given = answer.text
      .split(/(?<=-----END CERTIFICATE-----\n)/)
      .map((pem) => new X509Certificate(pem));
    expect(given.map(({ raw }) => raw)).toEqual(chain());
    const [leaf, intermediate, root] = given;
    expect([leaf?.ca, intermediate?.ca, root?.ca]).toEqual([false, true, true]);
    expect(leaf?.checkIssued(intermediate as X509Certificate)).toBe(true);
    expect(intermediate?.checkIssued(root as X509Certificate)).toBe(true);
  });

  test('refuses SHA-1, other lengths, other policies and extensions with 400 and upstream’s sentences', async () => {
    const cases: readonly (readonly [Buffer, string])[] = [
      [
        timestampRequest({ algorithm: OID.sha1, digest: Buffer.alloc(20) }),
        'Weak hash algorithm in timestamp request',
      ],
      [
        timestampRequest({ digest: Buffer.alloc(31) }),
        'Message digest has incorrect length for specified algorithm',
      ],
      [
        timestampRequest({ policy: OID.otherPolicy }),
        'unaccepted policy: requested TSA policy is not supported by the TSA',
      ],
      [
        timestampRequest({ extensions: Buffer.from('a00b300930070603551d0e0400', 'hex') }),
        'unaccepted extension: requested extensions are not supported by the TSA',
      ],
      [
        timestampRequest({ algorithm: OID.md5, digest: Buffer.alloc(16) }),
        'Error generating timestamp response',
      ],
    ];
    for (const [body, message] of cases) {
      const answer = await post(origin, PATH, body, QUERY);
      expect(answer.statusLine).toBe('HTTP/1.1 400 Bad Request');
      expect(answer.headers['content-type']).toBe('application/json');
      expect(JSON.parse(answer.text)).toEqual({ code: 400, message });
    }
  });

  test('answers 415 to another content type', async () => {
    for (const type of ['text/plain', 'application/octet-stream']) {
      const answer = await post(origin, PATH, timestampRequest(), { 'Content-Type': type });
      expect(answer.statusLine).toBe('HTTP/1.1 415 Unsupported Media Type');
      expect(JSON.parse(answer.text)).toMatchObject({ code: 415 });
    }
  });

  test('answers a ping', async () => {
    expect((await ask(origin, { path: '/ping' })).status).toBe(200);
  });
});
