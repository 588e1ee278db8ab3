/** The volume of the signing journal fails under an agent that runs: no line, no signature; no line is ever lost. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { fromUtf8 } from '#core/octets';
import { BadStorage, type StorageFault } from '../../kit/interposer/bad-storage.js';
import { asSuperuser } from '../../kit/kit.js';
import type { Acknowledged } from '../../kit/separate-replica.js';
import { codeOf, eventually, grow, insist, proveAll, Scene, type Opened } from './scene.js';

let scene: Scene;
let disk: BadStorage;
let opened: Opened;
let acknowledged: Acknowledged[] = [];
let named = 0;

beforeAll(async () => {
  scene = await Scene.make();
  // The agent that made the key had a good disk; the next one has ours.
  await scene.letGo();
  await scene.endAgent('one', 'SIGTERM');
  disk = new BadStorage();
  scene.agentEnvironment = disk.environment;
  opened = await scene.replica();
  await growing(2);
});
afterAll(() => scene.drop());

async function growing(count: number): Promise<void> {
  const word = `${named++}`;
  acknowledged = [...acknowledged, ...(await insist(() => grow(opened.tree, count, word)))];
}

/** Checkpoints that were given out, each under a line that was durable before it. */
async function assertJournaled(): Promise<void> {
  const sizes = new Set(scene.journaled());
  const signed = await asSuperuser(
    scene.world.database,
    'SELECT DISTINCT size FROM log_checkpoint ORDER BY 1',
  );
  for (const size of signed.split('\n').filter((line) => line !== '')) expect(sizes).toContain(BigInt(size));
}

const journal = '*.journal';

describe('a line of the journal', () => {
  const faults: readonly [string, Omit<StorageFault, 'times'>][] = [
    ['EIO when it is written', { path: journal, on: ['write'], error: 'EIO' }],
    ['EIO when half of it is written', { path: journal, on: ['write'], error: 'EIO', how: 'half' }],
    ['EIO although it was written', { path: journal, on: ['write'], error: 'EIO', how: 'after' }],
    ['EIO when it is synced', { path: journal, on: ['sync'], error: 'EIO' }],
    ['EIO although it was synced', { path: journal, on: ['sync'], error: 'EIO', how: 'after' }],
    ['no room to write it', { path: journal, on: ['write'], error: 'ENOSPC' }],
    ['no room for its second half', { path: journal, on: ['write'], error: 'ENOSPC', how: 'half' }],
  ];

  test.each(faults)(
    'case 46: %s: nothing is signed for it, and signing goes on by itself',
    async (_, fault) => {
      disk.fail({ ...fault, times: 2 });
      await growing(3);
      expect(disk.met()[0]).toBeGreaterThanOrEqual(2);
      await proveAll(opened.tree, acknowledged);
      await assertJournaled();
      expect(opened.tree.quarantine).toBeUndefined();
    },
  );

  test('case 47: no room for a while: the log says so, signs nothing, and goes on when there is room', async () => {
    const before = await asSuperuser(scene.world.database, 'SELECT max(size) FROM log_checkpoint');
    disk.fail({ path: journal, on: ['write', 'sync', 'truncate'], error: 'ENOSPC' });
    expect(await codeOf(opened.tree.renew())).toBe('hsm/journal-write');
    const waiting = opened.tree.append({ body: fromUtf8('waits'), kind: 'test/1' });
    await eventually(() => (disk.met()[0] ?? 0) > 5);
    expect(await asSuperuser(scene.world.database, 'SELECT max(size) FROM log_checkpoint')).toBe(before);
    disk.heal();
    const { index, head } = await waiting;
    acknowledged = [...acknowledged, { body: 'waits', index, head }];
    await proveAll(opened.tree, acknowledged);
    await assertJournaled();
  });

  test.each([
    ['before it is written', 'write', 'before'],
    ['with half of it written', 'write', 'half'],
    ['when it is written and not synced', 'write', 'after'],
    ['when it is synced and nothing is signed', 'sync', 'after'],
  ] as const)('killed %s: the next agent knows enough', async (_, on, how) => {
    disk.fail({ path: journal, on: [on], error: 'KILL', how, times: 1 });
    await growing(3);
    expect(disk.met()[0]).toBeGreaterThanOrEqual(1);
    await proveAll(opened.tree, acknowledged);
    await assertJournaled();
  });

  test('what a crash left incomplete is kept aside', () => {
    const torn = readdirSync(dirname(scene.journal())).filter((name) => name.includes('.torn-'));
    expect(torn).toHaveLength(1);
    expect(readFileSync(scene.journal(), 'utf8').endsWith('\n')).toBe(true);
  });
});

describe('the first journal of a host', () => {
  test.each([
    ['EIO when it is linked into place', { path: journal, on: ['link'], error: 'EIO' }],
    ['EIO although it was linked into place', { path: journal, on: ['link'], error: 'EIO', how: 'after' }],
    ['no room to make it', { path: '*.journal.new', on: ['create'], error: 'ENOSPC' }],
    ['no room to write it', { path: '*.journal.new', on: ['write'], error: 'ENOSPC', how: 'half' }],
    ['EIO when its directory is synced', { path: '*/journal-*', on: ['sync'], error: 'EIO' }],
  ] as const)(
    'case 46: %s: the adoption is refused, and done when it is asked for again',
    async (_, fault) => {
      const name = `host-${named++}`;
      const { tree, replica } = await scene.replica(name);
      expect(tree.quarantine?.code).toBe('tree/no-journal');
      disk.fail({ ...fault, times: 1 });
      expect(await codeOf(replica.trees.adopt(tree.head()))).toBe('hsm/journal-write');
      expect(disk.met()[0]).toBe(1);
      expect(tree.quarantine?.code).toBe('tree/no-journal');
      // Also where the first attempt left it there.
      expect((await replica.trees.adopt(tree.head())).quarantine).toBeUndefined();
      expect(scene.journaled(name)).toContain(tree.size);
      await replica.close();
      const again = await scene.replica(name);
      expect(again.tree.quarantine).toBeUndefined();
      acknowledged = [...acknowledged, ...(await insist(() => grow(again.tree, 1, name)))];
      await eventually(() => opened.tree.size === again.tree.size);
      await again.replica.close();
      await proveAll(opened.tree, acknowledged);
    },
  );
});
