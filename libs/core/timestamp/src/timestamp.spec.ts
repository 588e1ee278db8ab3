import { describe, expect, test } from '@jest/globals';
import { AsnConvert, AsnSerializer } from '@peculiar/asn1-schema';
import { ContentInfo, SignedData } from '@peculiar/asn1-cms';
import { RFC3161Timestamp } from '@sigstore/core';
import fc from 'fast-check';
import { createPublicKey } from 'node:crypto';
import * as der from '#core/der';
import { parsePublicKey, sha256, verifySignature } from '#core/crypto';
import { isFault } from '#core/fault';
import { concat, equalOctets, fromUtf8, toBase64, toHex } from '#core/octets';
import { GENESIS_MS, pseudoRandom, softwarePki } from '../../../../test/kit/software-pki.js';
import {
  admitTimestampRequest,
  draftToken,
  formatFailure,
  parseJsonTimestampRequest,
  parseTimestampRequest,
  SIGSTORE_POLICY,
  type TimestampRequest,
  type TokenDraft,
} from './index.js';

const pki = softwarePki();
const SHA256 = '2.16.840.1.101.3.4.2.1';
const message = sha256(fromUtf8('what is stamped is the signature'));

interface Asked {
  version?: number;
  oid?: string;
  digest?: Uint8Array;
  policy?: string;
  nonce?: bigint;
  certificates?: boolean;
  extensions?: boolean;
}

function requestDer({
  version = 1,
  oid = SHA256,
  digest = message,
  policy,
  nonce,
  certificates,
  extensions,
}: Asked = {}): Uint8Array {
  return der.sequence(
    der.integer(version),
    der.sequence(der.sequence(der.objectIdentifier(oid), der.nullValue()), der.octetString(digest)),
    ...(policy === undefined ? [] : [der.objectIdentifier(policy)]),
    ...(nonce === undefined ? [] : [der.integer(nonce)]),
    ...(certificates === undefined ? [] : [der.boolean(certificates)]),
    ...(extensions === true ? [der.explicit(0, der.sequence())] : []),
  );
}

function refusal(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (isFault(error)) return error.code;
    throw error;
  }
  return 'accepted';
}

function draft(request: TimestampRequest): TokenDraft {
  return draftToken({
    request,
    serial: pseudoRandom('token'),
    genTimeMs: GENESIS_MS + 1234,
    policy: SIGSTORE_POLICY,
    leafCertificate: pki.tsaLeaf.certificate,
    signatureAlgorithm: 'ecdsa-p256-sha256',
  });
}

describe('a DER timestamp request', () => {
  test('is read with everything that the client may ask for', () => {
    const request = parseTimestampRequest(
      requestDer({ policy: SIGSTORE_POLICY, nonce: 2n ** 64n, certificates: true }),
    );
    expect(request).toMatchObject({
      hash: 'sha256',
      policy: SIGSTORE_POLICY,
      certificates: true,
      extensions: false,
    });
    expect(toHex(request.hashedMessage)).toBe(toHex(message));
    expect(toHex(request.nonce ?? new Uint8Array())).toBe('0209010000000000000000');
  });

  test('may leave out everything that is optional', () => {
    expect(parseTimestampRequest(requestDer())).toMatchObject({
      policy: undefined,
      nonce: undefined,
      certificates: false,
    });
    expect(parseTimestampRequest(requestDer({ certificates: false })).certificates).toBe(false);
  });

  test('is refused with SHA-1, unknown hashes, wrong lengths and other versions', () => {
    const parse = (asked: Asked): string => refusal(() => parseTimestampRequest(requestDer(asked)));
    expect(parse({ oid: '1.3.14.3.2.26', digest: new Uint8Array(20) })).toBe('timestamp/weak-hash');
    expect(parse({ oid: '1.2.3.4' })).toBe('timestamp/unknown-hash');
    expect(parse({ digest: new Uint8Array(31) })).toBe('timestamp/digest-length');
    expect(parse({ version: 2 })).toBe('timestamp/malformed');
    expect(parse({ nonce: 2n ** 5000n })).toBe('timestamp/malformed');
    expect(parse({ oid: '2.16.840.1.101.3.4.2.2', digest: new Uint8Array(48) })).toBe('accepted');
    expect(parse({ oid: '2.16.840.1.101.3.4.2.3', digest: new Uint8Array(64) })).toBe('accepted');
  });

  test('is refused when cut anywhere or followed by anything, always with a Fault', () => {
    const whole = requestDer({ policy: SIGSTORE_POLICY, nonce: 7n, certificates: true });
    for (let end = 0; end < whole.length; end++) {
      expect(refusal(() => parseTimestampRequest(whole.subarray(0, end)))).toBe('timestamp/malformed');
    }
    expect(refusal(() => parseTimestampRequest(concat(whole, Uint8Array.of(0))))).toBe('timestamp/malformed');
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void refusal(() => parseTimestampRequest(bytes))));
  });

  test('is admitted under our policy only, without extensions', () => {
    const admit = (asked: Asked): string => {
      let policy = '';
      const code = refusal(
        () => (policy = admitTimestampRequest(parseTimestampRequest(requestDer(asked)), [SIGSTORE_POLICY])),
      );
      return code === 'accepted' ? policy : code;
    };
    expect(admit({})).toBe(SIGSTORE_POLICY);
    expect(admit({ policy: SIGSTORE_POLICY })).toBe(SIGSTORE_POLICY);
    expect(admit({ policy: '1.2.3' })).toBe('timestamp/policy');
    expect(admit({ extensions: true })).toBe('timestamp/extension');
  });
});

describe('a JSON timestamp request', () => {
  const json = (value: object | string): Uint8Array =>
    fromUtf8(typeof value === 'string' ? value : JSON.stringify(value));
  const artifactHash = toBase64(message);

  test('means the same as its DER form', () => {
    const request = parseJsonTimestampRequest(
      json({ artifactHash, hashAlgorithm: 'sha256', certificates: true }),
    );
    expect(equalOctets(request.imprint, parseTimestampRequest(requestDer()).imprint)).toBe(true);
    expect(request).toMatchObject({ certificates: true, nonce: undefined, policy: undefined });
  });

  test('keeps every digit of a large nonce', () => {
    const text = `{"artifactHash":"${artifactHash}","hashAlgorithm":"SHA256","nonce":1311768467463790320123,"other":1}`;
    const { nonce } = parseJsonTimestampRequest(json(text));
    expect(new der.DerReader(nonce ?? new Uint8Array()).integer()).toBe(1_311_768_467_463_790_320_123n);
  });

  test('is refused for what upstream refuses', () => {
    const parse = (value: object | string): string => refusal(() => parseJsonTimestampRequest(json(value)));
    expect(parse({ artifactHash, hashAlgorithm: 'sha1' })).toBe('timestamp/weak-hash');
    expect(parse({ artifactHash, hashAlgorithm: 'md5' })).toBe('timestamp/unknown-hash');
    expect(parse({ artifactHash: 'AA==', hashAlgorithm: 'sha256' })).toBe('timestamp/digest-length');
    expect(parse({ artifactHash: '*', hashAlgorithm: 'sha256' })).toBe('timestamp/malformed');
    expect(parse({ artifactHash, hashAlgorithm: 'sha256', nonce: 1.5 })).toBe('timestamp/malformed');
    expect(parse({ artifactHash, hashAlgorithm: 'sha256', tsaPolicyOID: 'x' })).toBe('timestamp/malformed');
    expect(parse('[]')).toBe('timestamp/malformed');
    expect(parse('{')).toBe('timestamp/malformed');
    expect(parse({ artifactHash, hashAlgorithm: 'sha256', other: 'x'.repeat(1024) })).toBe(
      'timestamp/too-large',
    );
  });
});

describe('a token', () => {
  const request = parseTimestampRequest(requestDer({ nonce: 42n, certificates: true }));

  test('is read and written back unchanged by the library of another author', () => {
    const { signedAttributes, assemble } = draft(request);
    const response = assemble(pki.tsaLeaf.key.sign(signedAttributes));
    const token = der.readSequence(response, (members) => {
      members.element();
      return members.element().encoding;
    });
    const content = AsnConvert.parse(Buffer.from(token), ContentInfo);
    expect(content.contentType).toBe('1.2.840.113549.1.7.2');
    const signed = AsnConvert.parse(content.content, SignedData);
    expect(signed.version).toBe(3);
    expect(signed.certificates).toHaveLength(1);
    const again = new ContentInfo({
      contentType: content.contentType,
      content: AsnSerializer.serialize(signed),
    });
    expect(toHex(new Uint8Array(AsnSerializer.serialize(again)))).toBe(toHex(token));
  });

  test('verifies in sigstore-js', () => {
    const { signedAttributes, assemble } = draft(request);
    const response = RFC3161Timestamp.parse(Buffer.from(assemble(pki.tsaLeaf.key.sign(signedAttributes))));
    const key = createPublicKey({
      key: Buffer.from(pki.tsaLeaf.certificate.spki),
      format: 'der',
      type: 'spki',
    });
    response.verify(Buffer.from('what is stamped is the signature'), key);
    expect(() => response.verify(Buffer.from('something else'), key)).toThrow();
    expect(response.status).toBe(0n);
    expect(response.signingTime.getTime()).toBe(GENESIS_MS + 1000);
    expect(toHex(pki.tsaLeaf.certificate.issuerDer)).toContain(toHex(response.signerIssuer));
  });

  test('is signed over its attributes as a SET in ascending order', () => {
    const { signedAttributes, tstInfo } = draft(request);
    const members = new der.DerReader(signedAttributes).setOf();
    const oids = members.map(({ encoding }) => new der.DerReader(encoding).sequence().oid());
    expect(new Set(oids)).toEqual(
      new Set([
        '1.2.840.113549.1.9.3',
        '1.2.840.113549.1.9.4',
        '1.2.840.113549.1.9.5',
        '1.2.840.113549.1.9.16.2.47',
      ]),
    );
    const digest = members[oids.indexOf('1.2.840.113549.1.9.4')]?.encoding ?? new Uint8Array();
    expect(toHex(digest)).toContain(toHex(sha256(tstInfo)));
    const signature = pki.tsaLeaf.key.sign(signedAttributes);
    verifySignature(parsePublicKey(pki.tsaLeaf.certificate.spki), signedAttributes, signature);
  });

  test('says what RFC 3161 wants it to say, and no default', () => {
    const { tstInfo } = draft(request);
    der.verifyDer(tstInfo);
    der.readSequence(tstInfo, (members) => {
      expect(members.smallInteger()).toBe(1);
      expect(members.oid()).toBe(SIGSTORE_POLICY);
      expect(toHex(members.expect(0x30).encoding)).toBe(toHex(request.imprint));
      expect(members.integer() > 0n).toBe(true);
      expect(members.generalizedTime()).toBe(Math.floor((GENESIS_MS + 1234) / 1000) * 1000);
      expect(toHex(members.expect(0x30).encoding)).toBe('3003020101');
      expect(members.integer()).toBe(42n);
      expect(toHex(members.explicit(0).explicit(4).element().encoding)).toBe(
        toHex(pki.tsaLeaf.certificate.subjectDer),
      );
    });
  });

  test('carries the certificate only when it was asked for, and no nonce that was not', () => {
    const plain = draft(parseTimestampRequest(requestDer()));
    const withCertificate = draft(parseTimestampRequest(requestDer({ certificates: true })));
    const length = (token: TokenDraft): number => token.assemble(new Uint8Array(70)).length;
    expect(length(withCertificate) - length(plain)).toBeGreaterThan(pki.tsaLeaf.certificate.der.length);
    for (const token of [plain, withCertificate]) der.verifyDer(token.assemble(new Uint8Array(70)));
  });
});

test('a failure says why, without a token', () => {
  const failure = formatFailure('rejection', 'timeNotAvailable', 'no time');
  expect(toHex(failure)).toBe('3015301302010230090c076e6f2074696d650303010002');
});
