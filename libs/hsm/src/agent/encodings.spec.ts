import { describe, expect, test } from '@jest/globals';
import { createHash, generateKeyPairSync, sign, verify } from 'node:crypto';
import { bitString, octetString } from '#core/der';
import { ALGORITHM, CKK } from './algorithms.js';
import { algorithmOf, digestInfo, modulusToSpki, pointToSpki, signatureFromToken } from './encodings.js';

const octets = (text: string | undefined): Uint8Array => new Uint8Array(Buffer.from(text ?? '', 'base64url'));

describe.each([
  ['P-256', 'ecdsa-p256-sha256'],
  ['P-384', 'ecdsa-p384-sha384'],
] as const)('%s', (namedCurve, algorithm) => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve });
  const jwk = publicKey.export({ format: 'jwk' });
  const point = Uint8Array.of(4, ...octets(jwk.x), ...octets(jwk.y));
  const spki = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }));
  const facts = ALGORITHM[algorithm];

  test('takes a point bare or wrapped in an OCTET STRING', () => {
    expect(pointToSpki(point, facts)).toEqual(spki);
    expect(pointToSpki(octetString(point), facts)).toEqual(spki);
  });

  test('refuses a point of another length', () => {
    expect(() => pointToSpki(point.subarray(1), facts)).toThrow(
      expect.objectContaining({ code: 'hsm/public-key' }),
    );
  });

  test('spells r and s as DER', () => {
    const raw = sign(facts.hash, Buffer.from('m'), { key: privateKey, dsaEncoding: 'ieee-p1363' });
    expect(verify(facts.hash, Buffer.from('m'), publicKey, signatureFromToken(raw, facts))).toBe(true);
  });

  test.each([0, 1, facts.signatureBytes - 1, facts.signatureBytes + 1])(
    'calls %i octets garbage',
    (length) => {
      expect(() => signatureFromToken(new Uint8Array(length).fill(1), facts)).toThrow(
        expect.objectContaining({ code: 'hsm/garbage', kind: 'corrupt' }),
      );
    },
  );

  test('calls a zero signature garbage', () => {
    expect(() => signatureFromToken(new Uint8Array(facts.signatureBytes), facts)).toThrow(
      expect.objectContaining({ code: 'hsm/garbage' }),
    );
  });
});

test('Ed25519 points come bare, as OCTET STRING or as BIT STRING', () => {
  const { publicKey } = generateKeyPairSync('ed25519');
  const spki = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }));
  const point = octets(publicKey.export({ format: 'jwk' }).x);
  for (const value of [point, octetString(point), bitString(point)]) {
    expect(pointToSpki(value, ALGORITHM.ed25519)).toEqual(spki);
  }
});

describe('RSA', () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwk = publicKey.export({ format: 'jwk' });
  const facts = ALGORITHM['rsa-2048-sha256'];

  test('takes a modulus with or without leading zeros', () => {
    const spki = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }));
    expect(modulusToSpki(octets(jwk.n), octets(jwk.e))).toEqual(spki);
    expect(modulusToSpki(Uint8Array.of(0, ...octets(jwk.n)), Uint8Array.of(0, ...octets(jwk.e)))).toEqual(
      spki,
    );
    expect(algorithmOf(CKK.rsa, undefined, Uint8Array.of(0, ...octets(jwk.n)))).toBe(facts);
  });

  test('refuses sizes that nobody uses', () => {
    expect(algorithmOf(CKK.rsa, undefined, octets(jwk.n).subarray(1))).toBeUndefined();
  });

  test('restores zeros that a token left out', () => {
    expect(signatureFromToken(new Uint8Array(255).fill(1), facts)).toHaveLength(256);
  });

  test('DigestInfo is what PKCS#1 v1.5 pads', async () => {
    const { privateEncrypt, constants } = await import('node:crypto');
    const digest = createHash('sha256').update('m').digest();
    const padded = privateEncrypt(
      { key: privateKey, padding: constants.RSA_PKCS1_PADDING },
      digestInfo(digest),
    );
    expect(padded.equals(sign('sha256', Buffer.from('m'), privateKey))).toBe(true);
  });
});
