import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recordedDaemons, runningDaemon, startDaemon, startTimeOf, stopDaemon } from './daemons.mjs';

describe('daemons of a state directory', () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'airseal-daemons-'));
  });
  afterEach(async () => {
    for (const name of recordedDaemons(directory)) await stopDaemon(directory, name, 'SIGKILL');
    await rm(directory, { recursive: true });
  });

  const start = (script: string) =>
    startDaemon(directory, 'sleeper', { program: '/bin/sh', args: ['-c', script], log: join(directory, 'log') });

  test('are known by process id and start time, and ended on request', async () => {
    const record = start('exec sleep 60');
    expect(runningDaemon(directory, 'sleeper')).toEqual(record);
    expect(await stopDaemon(directory, 'sleeper', 'SIGTERM')).toBe('ended');
    expect(startTimeOf(record.pid)).toBeUndefined();
    expect(await stopDaemon(directory, 'sleeper', 'SIGTERM')).toBe('was not running');
  });

  test('are killed when they do not listen', async () => {
    const record = start('trap "" TERM; while :; do sleep 0.1; done');
    expect(await stopDaemon(directory, 'sleeper', 'SIGTERM', 300)).toBe('ended');
    expect(startTimeOf(record.pid)).toBeUndefined();
  });

  test.each([
    ['a process that was started at another time', { startTime: '1' }],
    ['a process of another boot', { boot: 'another' }],
  ])('are never %s', async (_what, change) => {
    const record = start('exec sleep 60');
    const path = join(directory, 'sleeper.json');
    const truth = await readFile(path, 'utf8');
    await writeFile(path, JSON.stringify({ ...record, ...change }));
    expect(runningDaemon(directory, 'sleeper')).toBeUndefined();
    expect(await stopDaemon(directory, 'sleeper', 'SIGKILL')).toBe('was not running');
    expect(startTimeOf(record.pid)).toBe(record.startTime);
    await writeFile(path, truth);
  });
});
