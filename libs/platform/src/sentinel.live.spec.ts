/**
 * Redis behind sentinels: real sentinels, a primary and a replica, and the loss of the primary.
 *
 * The engines are this spec's own, since it ends one of them.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { programEnvironment, redisServer } from '../../../apps/bootstrap/src/programs.mjs';
import { quietLogger } from '../../../test/kit/fresh-trees.js';
import { Queues } from './queue.js';

const directory = mkdtempSync(join(tmpdir(), 'sentinel-'));
const processes: ChildProcess[] = [];
let sentinels: { host: string; port: number }[];

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** `redis-check-rdb` becomes what its name says. */
function start(
  name: 'redis-server' | 'redis-sentinel',
  port: number,
  lines: readonly string[],
): ChildProcess {
  const file = join(directory, `${port}.conf`);
  const own = [`port ${port}`, 'bind 127.0.0.1', 'protected-mode no', `dir ${directory}`, 'daemonize no'];
  writeFileSync(file, [...own, ...lines, ''].join('\n'));
  const child = spawn(join(directory, name), [file], { stdio: 'ignore', env: programEnvironment() });
  processes.push(child);
  return child;
}

let primary: ChildProcess;

beforeAll(async () => {
  const server = redisServer();
  if (server === undefined) throw new Error('no Redis on this machine; npm run up installs it');
  for (const name of ['redis-server', 'redis-sentinel']) symlinkSync(server, join(directory, name));
  const [first, second, ...others] = await Promise.all(Array.from({ length: 5 }, freePort));
  const transient = ['save ""', 'appendonly no', 'repl-diskless-sync-delay 0'];
  primary = start('redis-server', first ?? 0, transient);
  start('redis-server', second ?? 0, [...transient, `replicaof 127.0.0.1 ${first}`]);
  const watch = [
    `sentinel monitor main 127.0.0.1 ${first} 2`,
    'sentinel down-after-milliseconds main 700',
    'sentinel failover-timeout main 3000',
  ];
  for (const port of others) start('redis-sentinel', port, watch);
  sentinels = others.map((port) => ({ host: '127.0.0.1', port }));
});

afterAll(async () => {
  for (const child of processes) child.kill('SIGKILL');
  await setTimeout(100);
  rmSync(directory, { recursive: true, force: true });
});

async function eventually(check: () => Promise<unknown>): Promise<void> {
  const deadline = Date.now() + 40_000;
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await setTimeout(200);
    }
  }
}

test('the queue finds the primary by its sentinels, and the next one when it is lost', async () => {
  const queues = new Queues({ sentinels, name: 'main' }, quietLogger);
  try {
    await eventually(() => queues.probe());
    const queue = queues.queue<{ n: number }>('watched');
    await queue.add({ n: 1 });
    // Sentinels ask their primary for replicas every ten seconds; until then there is nothing to promote.
    await eventually(async () => {
      const info = await queue.client.info('replication');
      if (!info.includes('state=online')) throw new Error('the replica has not caught up');
    });
    await setTimeout(11_000);
    const worked = new Promise<number>((resolve) => {
      void queue.process((job) => {
        if (job.data.n === 2) resolve(job.data.n);
        return Promise.resolve();
      });
    });
    primary.kill('SIGKILL');
    await eventually(async () => {
      await queues.probe();
      const info = await queue.client.info('replication');
      if (!info.includes('role:master')) throw new Error('not promoted yet');
    });
    await queue.add({ n: 2 });
    expect(await worked).toBe(2);
  } finally {
    await queues.close();
  }
}, 90_000);

test('sentinels that nobody runs are an outage, not an end', async () => {
  const queues = new Queues(
    { sentinels: [{ host: '127.0.0.1', port: await freePort() }], name: 'main' },
    quietLogger,
  );
  await expect(queues.probe()).rejects.toMatchObject({ code: 'queue/unreachable' });
  await queues.close();
});
