import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PublishedFiles } from './published-files.js';

let directory: string;
let files: PublishedFiles;
const hash = 'a'.repeat(64);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'airseal-tuf-door-'));
  await mkdir(join(directory, 'targets'));
  for (const name of [
    '1.root.json',
    'root.json',
    'timestamp.json',
    '1.root.json.part',
    `targets/${hash}.rekor.pub`,
  ]) {
    await writeFile(join(directory, name), name);
  }
  files = new PublishedFiles(directory);
});
afterAll(() => rm(directory, { recursive: true }));

test('serves what the publisher wrote, numbered and hashed names as unchanging', async () => {
  expect(await files.metadata('1.root.json')).toMatchObject({
    immutable: true,
    contentType: 'application/json',
  });
  expect(await files.metadata('timestamp.json')).toMatchObject({ immutable: false });
  expect(await files.target(`${hash}.rekor.pub`)).toMatchObject({ immutable: true });
});

test('knows no next root', async () => {
  expect(await files.metadata('2.root.json')).toBeUndefined();
});

test.each([
  '1.root.json.part',
  '../trust/trust-material.json',
  '..%2f1.root.json',
  'targets',
  '.',
  '..',
  '01.root.json',
  '1.root.json\u0000',
  '1.root.json\n',
  'snapshot.json',
  'targets.json',
  '',
])('does not serve %j', async (name) => {
  expect(await files.metadata(name)).toBeUndefined();
});

test.each([
  'rekor.pub',
  `${hash}.`,
  `${hash}..`,
  `${hash}../x`,
  `${hash}/rekor.pub`,
  `${hash.toUpperCase()}.rekor.pub`,
])('does not serve target %j', async (name) => {
  expect(await files.target(name)).toBeUndefined();
});
