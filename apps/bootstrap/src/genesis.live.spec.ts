import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { asHalt } from './command.mjs';
import { startDaemon, startTimeOf } from './daemons.mjs';
import { discardInterruptedGenesis } from './genesis.mjs';
import { openState } from './state.mjs';

describe('a genesis whose `up` was killed', () => {
  let root: string;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'airseal-genesis-'));
  });
  afterEach(async () => {
    await rm(root, { recursive: true });
  });

  test('is ended before what it made is thrown away', async () => {
    const state = openState(root, 29_999);
    try {
      const log = join(root, 'log');
      const orphan = startDaemon(state.layout.daemons, 'genesis', { program: '/bin/sleep', args: ['60'], log });
      await mkdir(state.layout.softhsm);
      await writeFile(join(root, 'genesis-begun'), '');
      expect(await discardInterruptedGenesis(state)).toBe(true);
      expect(startTimeOf(orphan.pid)).toBeUndefined();
      expect(existsSync(state.layout.softhsm)).toBe(false);
      expect(await discardInterruptedGenesis(state)).toBe(false);
    } finally {
      await rm(state.record.runtimeDir, { recursive: true });
    }
  });
});

describe('what the system refuses', () => {
  test('comes with what to do, and what is our own defect does not', () => {
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', path: '/x', syscall: 'write' });
    expect(asHalt(full)).toMatchObject({ message: 'the disk is full: /x (write)', advice: expect.stringContaining('df -h') });
    expect(asHalt(new TypeError('x is not a function'))).toBeUndefined();
    expect(asHalt(undefined)).toBeUndefined();
  });
});
