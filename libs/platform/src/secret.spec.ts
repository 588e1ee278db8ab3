import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { readSecret } from './secret.js';

const directory = mkdtempSync(join(tmpdir(), 'secret-'));
const file = join(directory, 'pin');
afterAll(() => rmSync(directory, { recursive: true }));

describe('a secret', () => {
  test('is the text of its file without the final newline', () => {
    writeFileSync(file, '12 34\n', { mode: 0o600 });
    expect(readSecret(file)).toBe('12 34');
  });

  test.each([0o640, 0o604, 0o660])('is refused when others may open it (%o)', (mode) => {
    chmodSync(file, mode);
    expect(() => readSecret(file)).toThrow('chmod 600');
  });

  test('that is not there is named, not guessed', () => {
    expect(() => readSecret(join(directory, 'none'))).toThrow('cannot read the secret');
  });
});
