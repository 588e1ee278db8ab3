import { afterEach, expect, test } from '@jest/globals';
import { useProfile } from '#core/crypto';
import { advertisedAlgorithms, algorithmsOfKeys } from './signature-algorithms.js';

afterEach(() => useProfile('standard'));

const discovery = { id_token_signing_alg_values_supported: ['HS256', 'none', 'ES256', 'EdDSA', 'Ed25519'] };
const keys = [
  { kty: 'OKP', crv: 'Ed25519' },
  { kty: 'EC', crv: 'P-384' },
  { kty: 'RSA' },
  { kty: 'OKP', alg: 'EdDSA' },
];

test('only algorithms whose verifying key cannot sign', () => {
  expect(advertisedAlgorithms(discovery)).toEqual(['ES256', 'EdDSA', 'Ed25519']);
  expect(advertisedAlgorithms({})).toEqual(['RS256']);
  expect(algorithmsOfKeys(keys)).toEqual(['RS256', 'ES384', 'EdDSA', 'Ed25519']);
});

test('a curve called like a member of every object is no curve', () => {
  expect(
    algorithmsOfKeys([
      { kty: 'EC', crv: 'constructor' },
      { kty: 'EC', crv: '__proto__' },
    ]),
  ).toEqual([]);
});

test('the fips profile leaves no EdDSA, whoever offers it', () => {
  useProfile('fips');
  expect(advertisedAlgorithms(discovery)).toEqual(['ES256']);
  expect(algorithmsOfKeys(keys)).toEqual(['RS256', 'ES384']);
});
