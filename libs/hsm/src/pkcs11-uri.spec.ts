import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatPkcs11Uri, namesToken, parsePkcs11Uri } from './pkcs11-uri.js';

describe('a PKCS#11 URI', () => {
  test('names a key by token and label', () => {
    expect(parsePkcs11Uri('pkcs11:token=airseal-online;object=ct-2026-1')).toEqual({
      token: 'airseal-online',
      object: 'ct-2026-1',
    });
  });

  test('names a key by its identifier, in octets', () => {
    expect(parsePkcs11Uri('pkcs11:token=a%20b;id=%00%ff;type=private')).toEqual({
      token: 'a b',
      id: Uint8Array.of(0, 255),
    });
  });

  test.each([
    'token=x',
    'pkcs11:token=x;slot-id=3',
    'pkcs11:token=x?pin-value=1234',
    'pkcs11:token=x?module-path=/tmp/evil.so',
    'pkcs11:token=x;token=y',
    'pkcs11:token',
    'pkcs11:token=%4',
    'pkcs11:token=a b',
    // Either would read as the same replacement character.
    'pkcs11:token=%FF',
    'pkcs11:token=%FE',
    'pkcs11:colour=red',
    'pkcs11:object=x;type=cert',
  ])('refuses %s', (text) => {
    expect(() => parsePkcs11Uri(text)).toThrow(expect.objectContaining({ code: 'hsm/uri' }));
  });

  test('never repeats a PIN that somebody wrote into it', () => {
    expect(() => parsePkcs11Uri('pkcs11:token=x?pin-value=topsecret')).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('topsecret') }),
    );
  });

  test('reads what it writes', () => {
    const text = fc.string({ unit: 'binary', minLength: 1 });
    fc.assert(
      fc.property(text, text, fc.uint8Array({ minLength: 1 }), (token, object, id) => {
        const uri = { token, object, id };
        expect(parsePkcs11Uri(formatPkcs11Uri(uri))).toEqual(uri);
      }),
    );
  });

  test('fits the tokens that agree with everything it says', () => {
    const token = { token: 'airseal-online', manufacturer: 'SoftHSM project', serial: 'abc' };
    expect(namesToken({ token: 'airseal-online' }, token)).toBe(true);
    expect(namesToken({ token: 'airseal-online', serial: 'abd' }, token)).toBe(false);
  });
});
