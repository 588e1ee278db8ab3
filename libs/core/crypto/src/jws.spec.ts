import { describe, expect, test } from '@jest/globals';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { CompactSign } from 'jose';
import { verifyJws } from './index.js';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const curves = Object.fromEntries(
  ['P-256', 'P-384', 'P-521'].map((namedCurve) => [namedCurve, generateKeyPairSync('ec', { namedCurve })]),
);
const ed25519 = generateKeyPairSync('ed25519');
const PAIRS: readonly (readonly [string, { publicKey: KeyObject; privateKey: KeyObject } | undefined])[] = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'].map((name) => [name, rsa] as const),
  ['ES256', curves['P-256']],
  ['ES384', curves['P-384']],
  ['ES512', curves['P-521']],
  ['EdDSA', ed25519],
  ['Ed25519', ed25519],
];

/** Written by the library that identity providers use. */
async function signed(alg: string, key: KeyObject): Promise<{ input: Buffer; signature: Buffer }> {
  const compact = await new CompactSign(Buffer.from('{"sub":"alice"}')).setProtectedHeader({ alg }).sign(key);
  const end = compact.lastIndexOf('.');
  return {
    input: Buffer.from(compact.slice(0, end)),
    signature: Buffer.from(compact.slice(end + 1), 'base64url'),
  };
}

const MISMATCH = expect.objectContaining({ code: 'crypto/signature-mismatch' });

describe.each(PAIRS)('%s', (alg, pair) => {
  if (pair === undefined) throw new Error('no key');

  test('verifies what another implementation signed, and nothing near it', async () => {
    const { input, signature } = await signed(alg, pair.privateKey);
    verifyJws(alg, pair.publicKey, input, signature);
    const other = Buffer.from(input);
    other[0] = (other[0] ?? 0) ^ 1;
    expect(() => verifyJws(alg, pair.publicKey, other, signature)).toThrow(MISMATCH);
    expect(() => verifyJws(alg, pair.publicKey, input, signature.subarray(1))).toThrow(MISMATCH);
    expect(() => verifyJws(alg, pair.publicKey, input, Buffer.alloc(0))).toThrow(MISMATCH);
  });

  test('takes no signature of another algorithm, whatever the key', async () => {
    const { input, signature } = await signed(alg, pair.privateKey);
    for (const [other] of PAIRS) {
      const same = other === alg || (alg.startsWith('Ed') && other.startsWith('Ed'));
      if (!same) expect(() => verifyJws(other, pair.publicKey, input, signature)).toThrow(MISMATCH);
    }
  });

  test('takes no private key', async () => {
    const { input, signature } = await signed(alg, pair.privateKey);
    expect(() => verifyJws(alg, pair.privateKey, input, signature)).toThrow(MISMATCH);
  });
});

test.each(['none', 'HS256', 'RS1', '', 'constructor'])('knows no algorithm %p', async (alg) => {
  const { input, signature } = await signed('RS256', rsa.privateKey);
  expect(() => verifyJws(alg, rsa.publicKey, input, signature)).toThrow(MISMATCH);
});

test('takes no RSA key below 2048 bits', async () => {
  const small = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const { createSign } = await import('node:crypto');
  const input = Buffer.from('e30.e30');
  const signature = createSign('sha256').update(input).sign(small.privateKey);
  expect(() => verifyJws('RS256', small.publicKey, input, signature)).toThrow(MISMATCH);
});

test('takes an ECDSA signature side by side only, not as DER', async () => {
  const pair = curves['P-256'];
  if (pair === undefined) throw new Error('no key');
  const { sign } = await import('node:crypto');
  const input = Buffer.from('e30.e30');
  const der = sign('sha256', input, pair.privateKey);
  expect(() => verifyJws('ES256', pair.publicKey, input, der)).toThrow(MISMATCH);
});
