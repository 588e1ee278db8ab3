/** The disk of PostgreSQL's write-ahead log fails: an append is answered when it is durable, or not at all. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { BadStorage, type StorageFault } from '../../kit/interposer/bad-storage.js';
import { PrivateCluster } from '../../kit/private-cluster.js';
import type { Acknowledged } from '../../kit/separate-replica.js';
import { codeOf, eventually, grow, insist, proveAll, Scene, type Opened } from './scene.js';

let disk: BadStorage;
let cluster: PrivateCluster;
let scene: Scene;
let opened: Opened;
let acknowledged: Acknowledged[] = [];
let named = 0;

beforeAll(async () => {
  disk = new BadStorage();
  cluster = await PrivateCluster.start({
    environment: disk.environment,
    settings: { fsync: 'on', full_page_writes: 'on', restart_after_crash: 'on' },
  });
  scene = await Scene.make(cluster);
  opened = await scene.replica();
  acknowledged = await grow(opened.tree, 10, 'first');
}, 120_000);
afterAll(async () => {
  await scene.drop();
  await cluster.stop('immediate');
});

const wal = '*/pg_wal/0*';

/** It recovers by itself, or gives up and ends; then an operator starts it. */
async function postgresRuns(): Promise<void> {
  await eventually(async () => {
    if (!cluster.running) await cluster.resume();
    return (await cluster.sql('SELECT 1').catch(() => '')) === '1';
  });
}

async function growing(): Promise<void> {
  const word = `${named++}`;
  acknowledged = [...acknowledged, ...(await insist(() => grow(opened.tree, 5, word)))];
  await proveAll(opened.tree, acknowledged);
  expect(opened.tree.quarantine).toBeUndefined();
}

describe('the write-ahead log', () => {
  const faults: readonly [string, Omit<StorageFault, 'times'>][] = [
    ['EIO when it is written', { path: wal, on: ['write'], error: 'EIO' }],
    ['EIO when half of it is written', { path: wal, on: ['write'], error: 'EIO', how: 'half' }],
    ['EIO when it is synced', { path: wal, on: ['sync'], error: 'EIO' }],
    ['EIO although it was synced', { path: wal, on: ['sync'], error: 'EIO', how: 'after' }],
    ['no room', { path: wal, on: ['write'], error: 'ENOSPC' }],
  ];

  test.each(faults)('case 46: %s: what is not durable is not answered, and it goes on', async (_, fault) => {
    disk.fail({ ...fault, times: 1 });
    const during = grow(opened.tree, 1, `during ${named}`);
    const end = await codeOf(during);
    expect(['nothing was refused', 'tree/storage', 'tree/no-checkpoint']).toContain(end);
    if (end === 'nothing was refused') acknowledged = [...acknowledged, ...(await during)];
    expect(disk.met()[0]).toBeGreaterThan(0);
    expect(readFileSync(cluster.log, 'utf8')).toMatch(/PANIC/);
    await postgresRuns();
    await growing();
  });

  test('case 47: no room for a while: clients are told to come back; then there is room, and nothing is lost', async () => {
    disk.fail({ path: '*/pg_wal/*', on: ['create', 'write'], error: 'ENOSPC' });
    const refused = grow(opened.tree, 5, 'while it is full');
    expect(await codeOf(refused)).toBe('tree/storage');
    expect(await codeOf(grow(opened.tree, 5, 'still full'))).toBe('tree/storage');
    disk.heal();
    await postgresRuns();
    await growing();
    // A start finds the same.
    await opened.replica.close();
    opened = await scene.replica();
    await growing();
  });
});
