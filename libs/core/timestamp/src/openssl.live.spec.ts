/** OpenSSL asks, and OpenSSL verifies what we answer. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatPem } from '#core/pem';
import { GENESIS_MS, pseudoRandom, softwarePki } from '../../../../test/kit/software-pki.js';
import { draftToken, formatFailure, parseTimestampRequest, SIGSTORE_POLICY } from './index.js';

const pki = softwarePki();
let directory = '';
const at = (name: string): string => join(directory, name);

function openssl(...args: readonly string[]): string {
  return execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function answer(query: Uint8Array): Uint8Array {
  const draft = draftToken({
    request: parseTimestampRequest(query),
    serial: pseudoRandom('token'),
    genTimeMs: GENESIS_MS + 60_000,
    policy: SIGSTORE_POLICY,
    leafCertificate: pki.tsaLeaf.certificate,
    signatureAlgorithm: 'ecdsa-p256-sha256',
  });
  return draft.assemble(pki.tsaLeaf.key.sign(draft.signedAttributes));
}

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'tsa-'));
  writeFileSync(at('data'), 'a signature');
  writeFileSync(at('root.pem'), formatPem('CERTIFICATE', pki.timeRoot.certificate.der));
  const untrusted = [pki.tsaLeaf, pki.tsaIntermediate].map(({ certificate }) =>
    formatPem('CERTIFICATE', certificate.der),
  );
  writeFileSync(at('untrusted.pem'), untrusted.join(''));
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

describe('openssl ts', () => {
  test.each([
    ['with nonce and certificate', ['-sha256', '-cert']],
    ['without certificate', ['-sha384']],
    ['without nonce, for our policy', ['-sha512', '-no_nonce', '-tspolicy', SIGSTORE_POLICY]],
  ])('verifies a token %s', (_, options) => {
    openssl('ts', '-query', '-data', at('data'), ...options, '-out', at('query'));
    writeFileSync(at('response'), answer(new Uint8Array(readFileSync(at('query')))));
    const trust = [
      '-CAfile',
      at('root.pem'),
      '-untrusted',
      at('untrusted.pem'),
      '-attime',
      String(GENESIS_MS / 1000 + 120),
    ];
    for (const what of [
      ['-queryfile', at('query')],
      ['-data', at('data')],
    ]) {
      const verified = openssl('ts', '-verify', ...what, '-in', at('response'), ...trust);
      expect(verified).toContain('Verification: OK');
    }
    const text = openssl('ts', '-reply', '-in', at('response'), '-text');
    expect(text).toContain('Status: Granted.');
    expect(text).toContain(`Policy OID: ${SIGSTORE_POLICY}`);
    expect(text).toContain('Time stamp: Nov 21 10:01:00 2026 GMT');
    expect(text).toContain('Accuracy: 0x01 seconds, unspecified millis, unspecified micros');
    expect(text).toContain('Ordering: no');
    expect(text).toContain('TSA: DirName:/O=Example/CN=Example TSA');
  });

  test('reads a refusal', () => {
    writeFileSync(at('refusal'), formatFailure('rejection', 'timeNotAvailable', 'the clock is not trusted'));
    const text = openssl('ts', '-reply', '-in', at('refusal'), '-text');
    expect(text).toContain('Status: Rejected.');
    expect(text).toContain('Status description: the clock is not trusted');
    expect(text).toContain("Failure info: the TSA's time source is not available");
  });
});
