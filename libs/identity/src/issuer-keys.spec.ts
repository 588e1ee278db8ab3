import { expect, test } from '@jest/globals';
import { errors } from 'jose';
import type { JsonObject } from '#core/json';
import { FixedKeys } from './issuer-keys.js';

test('a key set that the library cannot take is no key set, and not a defect', () => {
  let deep = {};
  for (let depth = 0; depth < 5000; depth++) deep = { a: deep };
  for (const value of [null, {}, { keys: 5 }, { keys: [{ kty: deep }] }]) {
    expect(() => new FixedKeys('a spec', value)).toThrow(
      expect.objectContaining({ code: 'identity/key-set' }),
    );
  }
});

test.each<[string, JsonObject]>([
  ['ES256', { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' }],
  ['EdDSA', { kty: 'OKP', crv: 'Ed25519', x: 'AA' }],
])('a published key for %s that is none is no key for a token, and no defect', async (alg, key) => {
  const set = await new FixedKeys('here', { keys: [{ ...key, kid: 'one', alg }] }).current();
  await expect(async () => set.find({ alg, kid: 'one' })).rejects.toBeInstanceOf(errors.JOSEError);
});
