import { expect, test } from '@jest/globals';
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
