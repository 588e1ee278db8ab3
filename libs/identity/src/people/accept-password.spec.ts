import { describe, expect, test } from '@jest/globals';
import { acceptPassword } from './accept-password.js';

describe('a password', () => {
  test.each(['correct horse battery', 'fünfzehn Zeichen', '日本語のとても長いパスワードです'])(
    'may be %s',
    (password) => {
      expect(() => acceptPassword(password, 'alice@example.org')).not.toThrow();
    },
  );

  test.each([
    ['fourteen chars', 'too short'],
    ['aaaaaaaaaaaaaaaaaaaa', 'a pattern'],
    ['my name is Alice@example.org', 'the address itself'],
    [`${'long '.repeat(60)}and different`, 'too long to hash'],
  ])('may not be %s: %s', (password) => {
    expect(() => acceptPassword(password, 'alice@example.org')).toThrow(
      expect.objectContaining({ code: 'identity/password' }),
    );
  });
});
