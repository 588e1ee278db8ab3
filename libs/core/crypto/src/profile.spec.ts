import { afterEach, describe, expect, test } from '@jest/globals';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import {
  ALGORITHMS,
  assertPermitted,
  isPermitted,
  parsePublicKey,
  useProfile,
  verifyDigestSignature,
  verifySignature,
} from './index.js';

afterEach(() => useProfile('standard'));

const message = Buffer.from('an artifact');
const refused = expect.objectContaining({ code: 'crypto/not-permitted' });

function keyOf(pair: { publicKey: { export(options: { format: 'der'; type: 'spki' }): Buffer } }) {
  return parsePublicKey(new Uint8Array(pair.publicKey.export({ format: 'der', type: 'spki' })));
}

describe('the fips profile', () => {
  test('refuses Ed25519, pure and prehashed, whose signatures the standard profile verifies', () => {
    const pair = generateKeyPairSync('ed25519');
    const key = keyOf(pair);
    const signature = sign(null, message, pair.privateKey);
    verifySignature(key, message, signature);
    useProfile('fips');
    expect(() => verifySignature(key, message, signature)).toThrow(refused);
    const digest = createHash('sha512').update(message).digest();
    expect(() => verifyDigestSignature(key, 'sha512', digest, signature)).toThrow(refused);
  });

  test.each([
    ['ECDSA P-256', generateKeyPairSync('ec', { namedCurve: 'P-256' })],
    ['ECDSA P-521', generateKeyPairSync('ec', { namedCurve: 'P-521' })],
    ['RSA 3072', generateKeyPairSync('rsa', { modulusLength: 3072 })],
  ])('verifies %s', (_name, pair) => {
    useProfile('fips');
    const key = keyOf(pair);
    const hash = key.hash ?? 'sha256';
    verifySignature(key, message, sign(hash, message, pair.privateKey));
  });

  test('refuses RSA of 1024 bits, as the standard profile does', () => {
    const pair = generateKeyPairSync('rsa', { modulusLength: 1024 });
    for (const profile of ['standard', 'fips'] as const) {
      useProfile(profile);
      expect(() => verifySignature(keyOf(pair), message, sign('sha256', message, pair.privateKey))).toThrow(
        refused,
      );
    }
  });

  test('permits what the inventory says, and nothing that it does not know', () => {
    useProfile('fips');
    expect(ALGORITHMS.filter(({ name }) => !isPermitted(name)).map(({ name }) => name)).toEqual(
      ALGORITHMS.filter(({ fips }) => !fips).map(({ name }) => name),
    );
    expect(isPermitted('md5')).toBe(false);
    expect(() => assertPermitted('sha1')).toThrow(refused);
  });
});
