import { expect, test } from '@jest/globals';
import { Metrics } from '#platform';
import { quietLogger } from '../../../../test/kit/fresh-trees.js';
import { TlsFiles } from './tls-files.js';

test('a TLS key in a token is refused by name, before any file is read', () => {
  const settings = { certificate: '/nowhere.pem', key: 'pkcs11:token=net;object=tls' };
  expect(() => new TlsFiles(settings, {}, quietLogger, new Metrics(false)).load()).toThrow(
    expect.objectContaining({ code: 'tls/key-in-token', message: expect.stringContaining('mode 0600') }),
  );
});
