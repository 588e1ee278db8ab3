/** OpenSSL as the second reader of what we write. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatSct, logIdOf, sctListExtension, sctSignedInput } from '#core/ct';
import { formatPem } from '#core/pem';
import { fullLeafProfile, GENESIS_MS, softwareKey, softwarePki } from '../../../../test/kit/software-pki.js';
import { assembleCertificate, draftLeaf, issuerKeyHash } from './index.js';

const pki = softwarePki();
let directory = '';

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'x509-'));
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

function file(name: string, ...certificates: readonly Uint8Array[]): string {
  const path = join(directory, name);
  writeFileSync(path, certificates.map((der) => formatPem('CERTIFICATE', der)).join(''));
  return path;
}

function openssl(...args: readonly string[]): string {
  return execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function issueLeaf(): { precertificate: Uint8Array; final: Uint8Array } {
  const { codeIntermediate: ca, ctLog } = pki;
  const draft = draftLeaf(fullLeafProfile(ca, softwareKey().spki));
  const timestampMs = BigInt(GENESIS_MS);
  const sct = formatSct({
    logId: logIdOf(ctLog.spki),
    timestampMs,
    signature: ctLog.sign(
      sctSignedInput(timestampMs, {
        kind: 'precertificate',
        issuerKeyHash: issuerKeyHash(ca.certificate),
        tbs: draft.tbsLogged(),
      }),
    ),
  });
  const certify = (tbs: Uint8Array): Uint8Array =>
    assembleCertificate(tbs, draft.signatureAlgorithm, ca.key.sign(tbs));
  return {
    precertificate: certify(draft.tbsPrecert()),
    final: certify(draft.tbsFinal(sctListExtension([sct]))),
  };
}

describe('openssl', () => {
  test('verifies a leaf up to the root, and refuses its precertificate for the poison', () => {
    const { precertificate, final } = issueLeaf();
    const verify = (leaf: string): string =>
      openssl(
        'verify',
        '-x509_strict',
        ...['-attime', String(GENESIS_MS / 1000 + 86_400 + 60)],
        ...['-CAfile', file('root.pem', pki.codeRoot.certificate.der)],
        ...['-untrusted', file('intermediate.pem', pki.codeIntermediate.certificate.der)],
        leaf,
      );
    expect(verify(file('leaf.pem', final))).toContain(': OK');
    expect(() => verify(file('precertificate.pem', precertificate))).toThrow(/unhandled critical extension/);
  });

  test('prints the leaf as the profile says', () => {
    const text = openssl('x509', '-noout', '-text', '-in', file('leaf.pem', issueLeaf().final));
    expect(text).toContain('Version: 3 (0x2)');
    expect(text).toContain('Issuer: O = Example, CN = Example Code Intermediate');
    expect(text).toMatch(/Subject: *\n/);
    expect(text).toMatch(/X509v3 Key Usage: critical\s+Digital Signature\n/);
    expect(text).toMatch(/X509v3 Extended Key Usage: *\n\s+Code Signing\n/);
    expect(text).toMatch(/X509v3 Subject Alternative Name: critical\s+URI:https:\/\/git\.example/);
    expect(text).toMatch(/1\.3\.6\.1\.4\.1\.57264\.1\.1: *\n\s+https:\/\/id\.example\n/);
    expect(text).toMatch(/1\.3\.6\.1\.4\.1\.57264\.1\.8: *\n\s+\.\.https:\/\/id\.example\n/);
    expect(text).toMatch(
      /CT Precertificate SCTs: *\n\s+Signed Certificate Timestamp:\n\s+Version *: v1 \(0x0\)/,
    );
    expect(text).toContain('Signature : ecdsa-with-SHA256');
    const order = [...text.matchAll(/1\.3\.6\.1\.4\.1\.57264\.1\.(\d+):/g)].map((match) => Number(match[1]));
    expect(order).toEqual([1, 2, 3, 4, 5, 6, ...Array.from({ length: 17 }, (_, index) => index + 8)]);
  });

  test('verifies the chain of the timestamp authority for its purpose', () => {
    const verified = openssl(
      'verify',
      '-x509_strict',
      ...['-purpose', 'timestampsign'],
      ...['-attime', String(GENESIS_MS / 1000 + 60)],
      ...['-CAfile', file('time-root.pem', pki.timeRoot.certificate.der)],
      ...['-untrusted', file('tsa-intermediate.pem', pki.tsaIntermediate.certificate.der)],
      file('tsa.pem', pki.tsaLeaf.certificate.der),
    );
    expect(verified).toContain(': OK');
  });
});
