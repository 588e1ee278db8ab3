import { afterAll, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readBundle } from './bundle-file.js';
import { readMessageJson } from './places.js';
import { trustedRootIn } from './trusted-root-file.js';

const directory = mkdtempSync(join(tmpdir(), 'airseal-spec-places-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** Read as octets, this would be two gigabytes of nothing. */
const vast = { length: 2 ** 31 };

function fileOf(value: unknown): string {
  const path = join(directory, 'message.json');
  writeFileSync(path, JSON.stringify(value));
  return path;
}

test('octets are text in a message, and nothing else that has a length', () => {
  const signed = {
    messageSignature: { messageDigest: { algorithm: 'SHA2_256', digest: vast }, signature: 'AA==' },
  };
  expect(() => readBundle(fileOf(signed))).toThrow(expect.objectContaining({ code: 'cli/not-a-message' }));
  const root = { tlogs: [{ publicKey: { rawBytes: { type: 'Buffer', data: vast } } }] };
  expect(() => trustedRootIn(fileOf(root))).toThrow(expect.objectContaining({ code: 'cli/not-a-message' }));
});

test('a message without such a member is read as it is', () => {
  const value = { mediaType: 'x', list: [{ a: 1 }, 'length', null] };
  expect(readMessageJson(fileOf(value), 'bundle')).toEqual(value);
});
