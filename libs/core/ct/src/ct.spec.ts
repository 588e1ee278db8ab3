import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { parsePublicKey, sha256 } from '#core/crypto';
import { isFault } from '#core/fault';
import { bigEndian, concat, fromBase64, fromHex, toBase64, toHex } from '#core/octets';
import { parsePem } from '#core/pem';
import {
  extensionValue,
  issuerKeyHash,
  loggedTbs,
  OID,
  parseCertificate,
  type Certificate,
} from '#core/x509';
import {
  certificateExtraData,
  formatSct,
  type LogEntry,
  merkleTreeLeaf,
  parseSct,
  parseSctListExtension,
  precertificateExtraData,
  sctListExtension,
  sctSignedInput,
  sthSignedInput,
  verifySct,
} from './index.js';

/** See PROVENANCE.md beside the file. */
const vectors = JSON.parse(
  readFileSync(
    new URL('../../../../test/vectors/certificate-transparency-go/vectors.json', import.meta.url),
    'utf8',
  ),
) as Readonly<Record<string, string>>;

function vector(name: string): string {
  const value = vectors[name];
  if (value === undefined) throw new Error(`no vector ${name}`);
  return value;
}

function certificate(name: string): Certificate {
  const [block] = parsePem(vector(name));
  return parseCertificate(block?.der ?? new Uint8Array());
}

const logKey = parsePublicKey(fromBase64(vector('LogPublicKeyB64')));
const issuer = certificate('CACertPEM');

function refusal(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (isFault(error)) return error.code;
    throw error;
  }
  return 'accepted';
}

describe('the vectors of certificate-transparency-go', () => {
  const plain: LogEntry = { kind: 'certificate', der: certificate('TestCertPEM').der };
  const precertificate: LogEntry = {
    kind: 'precertificate',
    issuerKeyHash: issuerKeyHash(issuer),
    tbs: loggedTbs(certificate('TestPreCertPEM').tbs),
  };

  test.each([
    ['a certificate', plain, 'TestCertProof', 'TestCertB64LeafHash'],
    ['a precertificate', precertificate, 'TestPreCertProof', 'TestPreCertB64LeafHash'],
  ])('verify the promise for %s and give its leaf hash', (_, entry, proof, hash) => {
    const sct = parseSct(fromHex(vector(proof)));
    verifySct(sct, entry, logKey);
    expect(toBase64(sha256(Uint8Array.of(0), merkleTreeLeaf(sct.timestampMs, entry)))).toBe(vector(hash));
    expect(toHex(formatSct(sct))).toBe(vector(proof));
  });

  test('verify the promise embedded in a certificate', () => {
    const embedded = certificate('TestEmbeddedCertPEM');
    const value = extensionValue(embedded, OID.sctList) ?? new Uint8Array();
    const scts = parseSctListExtension(value);
    const [sct = new Uint8Array()] = scts;
    verifySct(parseSct(sct), { ...precertificate, tbs: loggedTbs(embedded.tbs) }, logKey);
    expect(toHex(sctListExtension(scts))).toBe(toHex(value));
  });

  test('are refused for another entry, another log or another algorithm', () => {
    const sct = parseSct(fromHex(vector('TestCertProof')));
    expect(refusal(() => verifySct(sct, precertificate, logKey))).toBe('crypto/signature-mismatch');
    expect(refusal(() => verifySct({ ...sct, logId: new Uint8Array(32) }, plain, logKey))).toBe(
      'ct/other-log',
    );
    expect(refusal(() => parseSct(fromHex(vector('TestCertProof').replace('04030047', '05030047'))))).toBe(
      'ct/sct',
    );
  });
});

describe('certificate-transparency structures', () => {
  test('come back from their bytes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        fc.uint8Array({ maxLength: 40 }),
        fc.uint8Array({ maxLength: 80 }),
        (logId, timestampMs, extensions, signature) => {
          const bytes = formatSct({ logId, timestampMs, extensions, signature });
          const read = parseSct(bytes);
          expect(read.timestampMs).toBe(timestampMs);
          expect([read.logId, read.extensions, read.signature].map(toHex)).toEqual(
            [logId, extensions, signature].map(toHex),
          );
          for (let end = 0; end < bytes.length; end++) {
            expect(refusal(() => parseSct(bytes.subarray(0, end)))).toBe('ct/truncated');
          }
          expect(refusal(() => parseSct(concat(bytes, Uint8Array.of(0))))).toBe('ct/trailing');
        },
      ),
      { numRuns: 30 },
    );
  });

  test('carry extensions into what is signed and what is logged', () => {
    const entry: LogEntry = { kind: 'certificate', der: Uint8Array.of(0xaa) };
    const extensions = Uint8Array.of(1, 2, 3);
    expect(toHex(sctSignedInput(5n, entry, extensions))).toBe(`0000${'0'.repeat(15)}50000000001aa0003010203`);
    expect(toHex(merkleTreeLeaf(5n, entry))).toBe(`0000${'0'.repeat(15)}50000000001aa0000`);
  });

  test('keep chains beside the leaf in the two forms of get-entries', () => {
    const [a, b] = [Uint8Array.of(0xaa), Uint8Array.of(0xbb, 0xbb)];
    expect(toHex(certificateExtraData([a, b]))).toBe('000009000001aa000002bbbb');
    expect(toHex(precertificateExtraData(b, [a]))).toBe('000002bbbb000004000001aa');
  });

  test('sign tree heads with their own type', () => {
    const root = new Uint8Array(32).fill(7);
    expect(toHex(sthSignedInput(1n, 2n, root))).toBe(
      `0001${toHex(bigEndian(1, 8))}${toHex(bigEndian(2, 8))}${'07'.repeat(32)}`,
    );
    expect(() => sthSignedInput(1n, 2n, new Uint8Array(31))).toThrow(RangeError);
  });
});
