import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { hashPassword, passwordMatches } from './password.js';
import { useProfile } from './profile.js';

// Dear by design, and dearer still on a busy machine.
jest.setTimeout(60_000);

const salt = new Uint8Array(16).fill(7);

describe('a password hash', () => {
  afterEach(() => useProfile('standard'));

  test('knows its password, in any spelling of the same characters, and no other', async () => {
    const stored = await hashPassword('grüße an die brücke', salt);
    expect(stored).toMatch(/^scrypt\$N=32768,r=8,p=3\$[\w-]{22}\$[\w-]{43}$/);
    expect(await passwordMatches('grüße an die brücke'.normalize('NFD'), stored)).toBe(true);
    expect(await passwordMatches('grusse an die brucke', stored)).toBe(false);
    expect(await passwordMatches('', stored)).toBe(false);
  });

  test('is another with another salt', async () => {
    expect(await hashPassword('same', salt)).not.toBe(await hashPassword('same', new Uint8Array(16)));
    await expect(hashPassword('same', new Uint8Array(8))).rejects.toThrow(RangeError);
  });

  test('is PBKDF2 under the fips profile, which refuses scrypt', async () => {
    const scrypt = await hashPassword('one', salt);
    useProfile('fips');
    const approved = await hashPassword('one', salt);
    expect(approved).toMatch(/^pbkdf2-sha256\$i=600000\$/);
    expect(await passwordMatches('one', approved)).toBe(true);
    expect(await passwordMatches('two', approved)).toBe(false);
    await expect(passwordMatches('one', scrypt)).rejects.toMatchObject({ code: 'crypto/not-permitted' });
  });

  test('that does not parse is a defect of the store, not a wrong password', async () => {
    for (const stored of ['', 'md5$x$y$z', 'scrypt$N=2,r=8,p=1$AA$AA', 'scrypt$N=32768,r=8,p=3$AA$AA$AA']) {
      await expect(passwordMatches('one', stored)).rejects.toMatchObject({ code: 'crypto/password-hash' });
    }
  });
});
