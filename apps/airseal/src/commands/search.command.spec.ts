import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { questionOf } from './search.command.js';

describe('a search by key', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const der = Buffer.from(publicKey.replaceAll(/-----.*-----|\n/g, ''), 'base64');
  const fingerprint = createHash('sha256').update(der).digest('hex');
  const folder = mkdtempSync(join(tmpdir(), 'airseal-spec-key-'));
  const [publicFile, privateFile] = [join(folder, 'public.pem'), join(folder, 'private.pem')];
  writeFileSync(publicFile, publicKey);
  writeFileSync(privateFile, privateKey);
  afterAll(() => rmSync(folder, { recursive: true }));
  const asked = (key: string): string | null => questionOf({ output: 'text', key }).get('key');

  test('asks for its fingerprint', () => {
    expect([publicFile, publicKey, fingerprint].map(asked)).toEqual([fingerprint, fingerprint, fingerprint]);
    expect(asked(der.toString('base64'))).toBe(der.toString('base64'));
  });

  test('sends no private key, and nothing that is no key', () => {
    for (const key of [privateFile, privateKey, `${publicKey}${privateKey}`]) {
      expect(() => asked(key)).toThrow(expect.objectContaining({ code: 'cli/not-a-key' }));
    }
    expect(() => asked(folder)).toThrow(expect.objectContaining({ code: 'cli/file-not-found' }));
  });
});
