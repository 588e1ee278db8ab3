import { expect, test } from '@jest/globals';
import { isFault } from '#core/fault';
import { identityToken } from './identity-token.js';

test('a token given in place of its file is refused, and not repeated', async () => {
  const token = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl';
  const error: unknown = await identityToken({ output: 'text', identityToken: token }).catch(
    (cause: unknown) => cause,
  );
  if (!isFault(error)) throw new Error('no fault');
  expect(error.code).toBe('cli/token-in-argv');
  expect(error.message).not.toContain('eyJ');
});
