import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { exclusively } from './state.mjs';

describe('the lock of a state directory', () => {
  let root: string;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'airseal-lock-'));
  });
  afterEach(async () => {
    await rm(root, { recursive: true });
  });

  /** Another process that takes the lock at the given instant, writes one line, holds it a moment and ends. */
  const contender = (at: number) => {
    const script = `
      import { appendFileSync } from 'node:fs';
      import { exclusively } from ${JSON.stringify(new URL('./state.mjs', import.meta.url).href)};
      while (Date.now() < ${at});
      await exclusively(${JSON.stringify(root)}, async () => {
        appendFileSync(${JSON.stringify(join(root, 'entered'))}, 'x');
        await new Promise((wake) => setTimeout(wake, 400));
      }).catch(() => process.exit(3));`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: 'ignore' });
    return new Promise<number | null>((settle) => child.on('close', settle));
  };

  test('lets one of several in who come at the same instant', async () => {
    const at = Date.now() + 700;
    const codes = await Promise.all(Array.from({ length: 6 }, () => contender(at)));
    expect(codes.filter((code) => code === 0)).toHaveLength(1);
    expect(codes.filter((code) => code === 3)).toHaveLength(5);
    expect(await readFile(join(root, 'entered'), 'utf8')).toBe('x');
  });

  test('of a dead holder, or half written, is nobody’s', async () => {
    for (const left of [JSON.stringify({ pid: 4_000_000, startTime: '1' }), '{"pid":']) {
      await writeFile(join(root, 'up.lock'), left);
      expect(await exclusively(root, () => Promise.resolve('done'))).toBe('done');
      expect(existsSync(join(root, 'up.lock'))).toBe(false);
    }
  });
});
