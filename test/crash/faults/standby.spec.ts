/** The database dies, or another one takes its place: with everything, or with less than was signed. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { fromUtf8 } from '#core/octets';
import { DatabaseProxy } from '../../kit/database-proxy.js';
import { PrivateCluster } from '../../kit/private-cluster.js';
import type { Acknowledged } from '../../kit/separate-replica.js';
import { codeOf, eventually, grow, insist, proveAll, Scene, type Opened } from './scene.js';

const clusters: PrivateCluster[] = [];
let scene: Scene | undefined;
let proxy: DatabaseProxy | undefined;

afterEach(async () => {
  await scene?.drop();
  await proxy?.close();
  await Promise.all(clusters.splice(0).map((cluster) => cluster.stop('immediate')));
  [scene, proxy] = [undefined, undefined];
});

async function primary(): Promise<{
  cluster: PrivateCluster;
  opened: Opened;
  address: DatabaseProxy;
  world: Scene;
}> {
  // As in operation: a commit that was answered is on the disk.
  const cluster = await PrivateCluster.start({ settings: { fsync: 'on', full_page_writes: 'on' } });
  clusters.push(cluster);
  scene = await Scene.make(cluster);
  proxy = await DatabaseProxy.start(cluster.host);
  return { cluster, opened: await scene.replica('one', { host: proxy.host }), address: proxy, world: scene };
}

/** Leaves go in one after another, on four lines, until told to stop; each answer is noted before the next question. */
function load({ tree }: Opened, word: string) {
  const acknowledged: Acknowledged[] = [];
  const failed = new Set<string>();
  let stopped = false;
  const lines = Array.from({ length: 4 }, async (_, line) => {
    for (let at = 0; !stopped; at++) {
      const body = `${word} ${line} ${at}`;
      try {
        const { index, head } = await tree.append({ body: fromUtf8(body), kind: 'test/1' });
        acknowledged.push({ body, index, head });
      } catch (error) {
        failed.add(await codeOf(Promise.reject(error as Error)));
        await new Promise((wake) => setTimeout(wake, 50));
      }
    }
  });
  return {
    acknowledged,
    failed,
    stop: async () => {
      stopped = true;
      await Promise.all(lines);
    },
  };
}

describe('PostgreSQL', () => {
  test('case 45: stopped at once under load, and started again: nothing acknowledged is lost', async () => {
    const { cluster, opened } = await primary();
    const work = load(opened, 'work');
    for (let round = 1; round <= 3; round++) {
      await eventually(() => work.acknowledged.length >= round * 20);
      await cluster.stop('immediate');
      await cluster.resume();
    }
    const seen = work.acknowledged.length;
    await eventually(() => work.acknowledged.length > seen + 10);
    await work.stop();
    expect([...work.failed].filter((code) => code !== 'tree/storage')).toEqual([]);
    await proveAll(opened.tree, work.acknowledged);
    expect(opened.tree.quarantine).toBeUndefined();
  }, 120_000);

  test('case 52: a synchronous standby, promoted after its primary died: nothing is lost, and it goes on', async () => {
    const { cluster, opened, address, world } = await primary();
    const standby = await cluster.standby(true);
    clusters.push(standby);
    const work = load(opened, 'work');
    await eventually(() => work.acknowledged.length >= 40);
    await cluster.stop('immediate');
    const answered = work.acknowledged.length;
    await standby.promote();
    address.lead(standby.host);
    await eventually(() => work.acknowledged.length > answered + 20);
    await work.stop();
    await proveAll(opened.tree, work.acknowledged);
    expect(opened.tree.quarantine).toBeUndefined();
    // And so does a start on it.
    await opened.replica.close();
    const after = await world.replica('one', { host: address.host });
    await proveAll(after.tree, [...work.acknowledged, ...(await grow(after.tree, 2, 'after'))]);
  }, 120_000);

  test('case 52: an asynchronous standby that lags, promoted: refuses to sign, running or started anew', async () => {
    const { cluster, opened, address, world } = await primary();
    const standby = await cluster.standby(false);
    clusters.push(standby);
    const early = await grow(opened.tree, 20, 'early');
    await standby.until('SELECT size FROM log_head', '20');
    await standby.until('SELECT max(size) FROM log_checkpoint', '20');
    await standby.lag();
    await grow(opened.tree, 5, 'late');
    await cluster.stop('immediate');
    await standby.promote();
    address.lead(standby.host);
    // A connection that was cut may cost the first question.
    const refused = insist(() => opened.tree.append({ body: fromUtf8('next'), kind: 'test/1' }));
    expect(await codeOf(refused)).toBe('tree/rolled-back');
    expect(await standby.sql('SELECT max(size) FROM log_checkpoint')).toBe('20');
    expect(await standby.sql('SELECT size FROM log_head')).toBe('20');
    await opened.replica.close();

    const after = await world.replica('one', { host: address.host });
    expect(after.tree.quarantine?.code).toBe('tree/rolled-back');
    await proveAll(after.tree, early);
    expect(await standby.sql('SELECT max(size) FROM log_checkpoint')).toBe('20');
  }, 120_000);
});
