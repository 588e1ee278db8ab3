import { describe, expect, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readRepositoryFile, repository, repositoryFiles } from './files.js';

/** Chance, and a comparison that takes the same time whatever it finds. */
const anywhere = ['randomBytes', 'randomInt', 'randomUUID', 'timingSafeEqual', 'KeyObject'];

/** Certificates and keys of TLS connections: no verifier of a signature relies on them. */
const forTls = ['X509Certificate', 'createPrivateKey'];
const mayReadTls = ['libs/identity/src/issuers-file.ts', 'apps/appliance/src/server/tls-files.ts'];

const sources = repositoryFiles().filter(
  (path) =>
    /^(apps\/(appliance|airseal)|libs)\/.*\.ts$/.test(path) &&
    !/\.(spec|contract)\.ts$/.test(path) &&
    !/^libs\/(core\/crypto|hsm)\//.test(path) &&
    existsSync(join(repository, path)),
);

describe('cryptography that a verifier relies on', () => {
  test('has one front door: elsewhere node:crypto gives only chance and TLS', () => {
    const wrong = sources.flatMap((path) => {
      const allowed = mayReadTls.includes(path) ? [...anywhere, ...forTls] : anywhere;
      return importedFromCrypto(readRepositoryFile(path))
        .filter((name) => !allowed.includes(name))
        .map((name) => `${path} imports ${name}: hash and verify through #core/crypto, sign through #hsm`);
    });
    expect(wrong).toEqual([]);
  });
});

function importedFromCrypto(text: string): string[] {
  const named = [...text.matchAll(/import\s+(?:type\s+)?\{([^}]*)\}\s+from\s+'(?:node:)?crypto'/g)].flatMap((match) =>
    (match[1] ?? '').split(',').map((name) => name.trim().replace(/^type\s+/, '').replace(/\s+as\s+.*/, '')),
  );
  const whole = /(import\s+(\w+|\*\s+as\s+\w+)\s+from\s+|import\(\s*|require\(\s*)'(?:node:)?crypto'/.test(text) ? ['all of it'] : [];
  return [...named.filter((name) => name !== ''), ...whole];
}
