import { afterEach, expect, test } from '@jest/globals';
import { generateKeyPairSync } from 'node:crypto';
import { parsePublicKey, useProfile } from '#core/crypto';
import { checkKeyFit } from './fit-keys.js';

afterEach(() => useProfile('standard'));

test('the fips profile certifies no Ed25519 key, and the same ECDSA keys as ever', () => {
  const [ed25519, p256] = [
    generateKeyPairSync('ed25519'),
    generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  ].map(({ publicKey }) => parsePublicKey(new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }))));
  if (ed25519 === undefined || p256 === undefined) throw new Error('no keys');
  checkKeyFit(ed25519);
  useProfile('fips');
  expect(() => checkKeyFit(ed25519)).toThrow(expect.objectContaining({ code: 'ca/algorithm-not-permitted' }));
  checkKeyFit(p256);
});
