import { expect, test } from '@jest/globals';
import { createLogger, Metrics } from '#platform';
import { TlsFiles } from './tls-files.js';

test('a TLS key in a token is refused by name, before any file is read', () => {
  const logger = createLogger({ mode: 'evaluation', log: { level: 'fatal' } }, { write: () => undefined });
  const settings = { certificate: '/nowhere.pem', key: 'pkcs11:token=net;object=tls' };
  expect(() => new TlsFiles(settings, {}, logger, new Metrics(false)).load()).toThrow(
    expect.objectContaining({ code: 'tls/key-in-token', message: expect.stringContaining('mode 0600') }),
  );
});
