import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { migrations } from '#audit';
import { toUtf8 } from '#core/octets';
import type { Tree } from '#tree';
import {
  freshTrees,
  noteFormat,
  quietLogger,
  type FreshTrees,
  type Replica,
} from '../../../test/kit/fresh-trees.js';
import { recorder } from '../../../test/kit/recorder.js';
import { softwareSigner } from '../../../test/kit/software-signer.js';
import { AUDIT_TREE } from './audit-tables.js';
import { DrainOutbox } from './drain-outbox.js';

const signer = softwareSigner();
let world: FreshTrees;
beforeEach(async () => {
  world = await freshTrees(migrations);
});
afterEach(async () => {
  await world.drop();
});

async function auditReplica(options?: Parameters<FreshTrees['replica']>[0]): Promise<{
  replica: Replica;
  tree: Tree;
  drain: DrainOutbox;
}> {
  const replica = await world.replica(options);
  const tree = await replica.trees.open({
    name: AUDIT_TREE,
    origin: 'log.test/audit',
    format: noteFormat('log.test/audit', signer),
  });
  return { replica, tree, drain: new DrainOutbox(replica.pool, tree, quietLogger) };
}

/** Records one event in a transaction of its own, which then commits or does not. */
async function act({ pool }: Replica, reason: string, commits = true): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    await recorder().within(client, { code: 'config.changed', reason });
    await client.query(commits ? 'COMMIT' : 'ROLLBACK');
  } finally {
    client.release();
  }
}

async function reasons(tree: Tree): Promise<string[]> {
  await tree.cut(0n);
  const leaves = await tree.leaves(0n, tree.size);
  return leaves.map(({ body }) => (JSON.parse(toUtf8(body)) as { reason: string }).reason);
}

/** Reproducible choices: the seed is in the name of the test that uses it. */
function chooser(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

describe('the outbox', () => {
  test('gives what committed to the tree, in order, and nothing of what did not', async () => {
    const { replica, tree, drain } = await auditReplica();
    await act(replica, 'first');
    await act(replica, 'undone', false);
    await act(replica, 'second');
    expect(await drain.run()).toBe(2);
    expect(await reasons(tree)).toEqual(['first', 'second']);
    expect(await drain.run()).toBe(0);
    expect(drain.backlog.rows).toBe(0);
  });

  test('lets no row go that is not in the tree, and none change', async () => {
    const { replica, drain } = await auditReplica();
    await act(replica, 'stays');
    await expect(replica.pool.query('DELETE FROM audit_outbox')).rejects.toMatchObject({ code: '23000' });
    await expect(replica.pool.query("UPDATE audit_outbox SET body = 'x'")).rejects.toMatchObject({
      code: '42501',
    });
    await expect(replica.pool.query('TRUNCATE audit_outbox')).rejects.toMatchObject({ code: '42501' });
    expect(await drain.run()).toBe(1);
  });

  test('begins again where a crash between sequencing and removal left it: no leaf twice', async () => {
    const one = await auditReplica();
    for (let at = 0; at < 300; at++) await act(one.replica, `${at}`);
    const { rows } = await one.replica.pool.query<{ body: Buffer }>(
      'SELECT body FROM audit_outbox ORDER BY seq',
    );
    // What a replica does before it dies: the first batch is in the tree, its rows are still there.
    await Promise.all(rows.slice(0, 256).map(({ body }) => one.tree.sequence({ body, kind: 'audit/event' })));
    await one.replica.close();

    const two = await auditReplica();
    expect(await two.drain.run()).toBe(300);
    expect(await reasons(two.tree)).toEqual(Array.from({ length: 300 }, (_, at) => `${at}`));
  });

  test('keeps its rows when the tree cannot be written', async () => {
    const { replica, tree } = await auditReplica();
    await act(replica, 'patient');
    const down = { sequence: () => Promise.reject(new Error('down')) };
    await expect(new DrainOutbox(replica.pool, down, quietLogger).run()).rejects.toThrow('down');
    expect(await new DrainOutbox(replica.pool, tree, quietLogger).run()).toBe(1);
    expect(await reasons(tree)).toEqual(['patient']);
  });

  test.each([1, 2, 3])(
    'seed %d: every committed row becomes one leaf, with two replicas and lost rounds',
    async (seed) => {
      const choose = chooser(seed);
      const replicas = [await auditReplica(), await auditReplica()] as const;
      const committed: string[] = [];
      let drains: Promise<unknown>[] = [];
      for (let at = 0; at < 200; at++) {
        const actor = replicas[choose() < 0.5 ? 0 : 1];
        const commits = choose() < 0.8;
        await act(actor.replica, `${at}`, commits);
        if (commits) committed.push(`${at}`);
        if (choose() < 0.1) {
          const drainer = replicas[choose() < 0.5 ? 0 : 1];
          // A round that dies after the tree has taken the rows in.
          const dies = choose() < 0.3;
          const drain = dies
            ? new DrainOutbox(
                drainer.replica.pool,
                {
                  sequence: async (leaf) => {
                    await drainer.tree.sequence(leaf);
                    throw new Error('killed');
                  },
                },
                quietLogger,
              )
            : drainer.drain;
          drains.push(drain.run().catch(() => 0));
        }
      }
      await Promise.all(drains);
      drains = replicas.map(({ drain }) => drain.run().catch(() => 0));
      await Promise.all(drains);
      await replicas[0].drain.run();
      expect(await reasons(replicas[0].tree)).toEqual(committed);
      const { rows } = await replicas[0].replica.pool.query('SELECT 1 FROM audit_outbox');
      expect(rows).toEqual([]);
    },
  );

  test('survives kill -9 of a process between COMMIT and sequencing', async () => {
    const { replica, tree, drain } = await auditReplica();
    const { host, port, name, runtimeUser } = world.database;
    const child = spawn(
      process.execPath,
      [fileURLToPath(new URL('../../../test/kit/commit-then-hang.mjs', import.meta.url))],
      {
        env: { PGHOST: host, PGPORT: String(port), PGDATABASE: name, PGUSER: runtimeUser },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await drain.run()).toBe(1);
    expect(await reasons(tree)).toEqual(['committed by the dead']);
    const { rows } = await replica.pool.query('SELECT 1 FROM audit_outbox');
    expect(rows).toEqual([]);
  });
});
