import { describe, expect, test } from '@jest/globals';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { Fault } from '#core/fault';
import { parsePublicKey, publicKeyFromPem, verifyDigestSignature, verifySignature } from './index.js';

const message = new TextEncoder().encode('an artifact');
const KEYS = [
  ['P-256', 'sha256', generateKeyPairSync('ec', { namedCurve: 'P-256' })],
  ['P-384', 'sha384', generateKeyPairSync('ec', { namedCurve: 'P-384' })],
  ['P-521', 'sha512', generateKeyPairSync('ec', { namedCurve: 'P-521' })],
  ['RSA 2048', 'sha256', generateKeyPairSync('rsa', { modulusLength: 2048 })],
] as const;

describe.each(KEYS)('%s', (_name, hash, pair) => {
  const key = parsePublicKey(new Uint8Array(pair.publicKey.export({ format: 'der', type: 'spki' })));
  const signature = sign(hash, message, pair.privateKey);
  const digest = createHash(hash).update(message).digest();

  test('verifies over the message and over its digest alike', () => {
    verifySignature(key, message, signature);
    verifyDigestSignature(key, hash, digest, signature);
  });

  test('verifies and refuses the second time as it did the first', () => {
    // The first time an elliptic-curve key goes another way than later; a key that failed has been met too.
    for (const began of [signature, signature.subarray(1)]) {
      const fresh = parsePublicKey(key.spki);
      const refusal = { code: 'crypto/signature-mismatch' };
      if (began === signature) verifySignature(fresh, message, began);
      else expect(() => verifySignature(fresh, message, began)).toThrow(expect.objectContaining(refusal));
      verifySignature(fresh, message, signature);
      const other = message.slice(1);
      expect(() => verifySignature(fresh, other, signature)).toThrow(expect.objectContaining(refusal));
      expect(() => verifySignature(parsePublicKey(key.spki), other, signature)).toThrow(
        expect.objectContaining(refusal),
      );
    }
  });

  test.each([0, 1, 7])('refuses a digest with bit %i flipped', (bit) => {
    const other = Buffer.from(digest);
    other[0] = (other[0] ?? 0) ^ (1 << bit);
    expect(() => verifyDigestSignature(key, hash, other, signature)).toThrow(
      expect.objectContaining({ code: 'crypto/signature-mismatch' }),
    );
  });

  test('refuses a truncated signature, an empty one and a digest of the wrong length', () => {
    expect(() => verifyDigestSignature(key, hash, digest, signature.subarray(1))).toThrow(Fault);
    expect(() => verifyDigestSignature(key, hash, digest, new Uint8Array())).toThrow(Fault);
    expect(() => verifyDigestSignature(key, hash, digest.subarray(1), signature)).toThrow(
      expect.objectContaining({ code: 'crypto/digest-length' }),
    );
  });

  test('reads the same key from PEM', () => {
    expect(publicKeyFromPem(pair.publicKey.export({ format: 'pem', type: 'spki' }).toString()).spki).toEqual(
      key.spki,
    );
  });
});

test('refuses a private key where a public one belongs', () => {
  const pem = KEYS[0][2].privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  expect(() => publicKeyFromPem(pem)).toThrow(expect.objectContaining({ code: 'crypto/key-malformed' }));
});

test('refuses trailing bytes after the key', () => {
  const spki = KEYS[0][2].publicKey.export({ format: 'der', type: 'spki' });
  expect(() => parsePublicKey(Buffer.concat([spki, Buffer.from([0])]))).toThrow(
    expect.objectContaining({ code: 'crypto/key-malformed' }),
  );
});

describe.each(['P-256', 'P-384', 'P-521'])('a %s key', (namedCurve) => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve });
  const spki = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }));

  test('is described alike from its shape and from what OpenSSL writes', () => {
    const read = parsePublicKey(spki);
    const written = publicKeyFromPem(publicKey.export({ format: 'pem', type: 'spki' }).toString());
    expect({ ...read, handle: undefined }).toEqual({ ...written, handle: undefined });
    expect(read.handle.equals(publicKey)).toBe(true);
  });

  test('is refused when its point is not on the curve or begins otherwise', () => {
    for (const at of [spki.length - 1, spki.findLastIndex((octet, from) => octet === 4 && from < 30), 5]) {
      const other = Uint8Array.from(spki, (octet, here) => (here === at ? octet ^ 1 : octet));
      expect(() => parsePublicKey(other)).toThrow(expect.objectContaining({ code: 'crypto/key-malformed' }));
    }
  });
});

describe('Ed25519ph', () => {
  // The vector of RFC 8032 §7.3, over "abc".
  const key = parsePublicKey(
    Buffer.from(
      '302a300506032b6570032100ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf',
      'hex',
    ),
  );
  const signature = Buffer.from(
    '98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41' +
      '31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406',
    'hex',
  );
  const prehash = createHash('sha512').update('abc').digest();

  test('verifies over a SHA-512 digest', () => {
    verifyDigestSignature(key, 'sha512', prehash, signature);
  });

  test('refuses another digest, and every digest that is not SHA-512', () => {
    const other = createHash('sha512').update('abd').digest();
    expect(() => verifyDigestSignature(key, 'sha512', other, signature)).toThrow(
      expect.objectContaining({ code: 'crypto/signature-mismatch' }),
    );
    expect(() => verifyDigestSignature(key, 'sha256', other.subarray(0, 32), signature)).toThrow(
      expect.objectContaining({ code: 'crypto/no-prehash' }),
    );
  });

  test('refuses a pure Ed25519 signature over the same message', () => {
    const pair = generateKeyPairSync('ed25519');
    const pure = sign(null, Buffer.from('abc'), pair.privateKey);
    const own = parsePublicKey(new Uint8Array(pair.publicKey.export({ format: 'der', type: 'spki' })));
    expect(() => verifyDigestSignature(own, 'sha512', prehash, pure)).toThrow(
      expect.objectContaining({ code: 'crypto/signature-mismatch' }),
    );
  });
});
