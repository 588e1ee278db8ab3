import { afterAll, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { trustedRootIn } from './trusted-root-file.js';

const directory = mkdtempSync(join(tmpdir(), 'airseal-spec-root-'));
afterAll(() => rmSync(directory, { recursive: true }));

test.each(['null', '{"tlogs":[null]}'])('a file that holds %s is no trusted root, and no defect', (text) => {
  const path = join(directory, 'trusted_root.json');
  writeFileSync(path, text);
  expect(() => trustedRootIn(path)).toThrow(expect.objectContaining({ code: 'cli/not-a-trusted-root' }));
});
