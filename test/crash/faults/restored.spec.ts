/** A database that was taken back: nothing is signed over it, everything is still read. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { leafHash } from '#core/merkle';
import { fromUtf8 } from '#core/octets';
import { PrivateCluster } from '../../kit/private-cluster.js';
import type { Acknowledged } from '../../kit/separate-replica.js';
import { codeOf, grow, proveAll, Scene } from './scene.js';

let cluster: PrivateCluster;
let scene: Scene;
let early: Acknowledged[];
let late: Acknowledged[];
let yesterday: string;
let today: string;

beforeAll(async () => {
  cluster = await PrivateCluster.start();
  scene = await Scene.make(cluster);
  const { tree, replica } = await scene.replica();
  early = await grow(tree, 300, 'early');
  yesterday = await cluster.dump();
  late = await grow(tree, 7, 'late');
  today = await cluster.dump();
  await replica.close();
  await scene.letGo();
  await scene.endAgent('one', 'SIGTERM');
}, 120_000);
afterAll(async () => {
  await scene.drop();
  await cluster.stop('fast');
});

const newestSigned = () => cluster.sql('SELECT max(size) FROM log_checkpoint');
const next = { body: fromUtf8('next'), kind: 'test/1' };

describe('yesterday’s dump', () => {
  beforeEach(async () => cluster.restore(yesterday));
  afterEach(() => scene.letGo());

  test('case 51: restored under the host that signed since: refuses to sign, reads on', async () => {
    const { tree, replica } = await scene.replica();
    expect(tree.quarantine?.code).toBe('tree/rolled-back');
    for (const work of [() => tree.append(next), () => tree.renew(), () => tree.cut(1n)])
      expect(await codeOf(work())).toBe('tree/rolled-back');
    expect(await newestSigned()).toBe('300');
    expect(scene.journaled().at(-1)).toBe(307n);
    // Everything that the dump holds is still proved.
    await proveAll(tree, early);
    expect(await tree.tile(0, 0n, 256)).toHaveLength(256 * 32);
    expect(await codeOf(replica.trees.adopt(tree.head()))).toBe('tree/not-waiting');
    await replica.close();
  });

  test('case 51: restored under a brand-new replica: the token remembers, and no adoption helps', async () => {
    const { tree, replica } = await scene.replica('new');
    expect(tree.quarantine?.code).toBe('tree/rolled-back');
    expect(await codeOf(tree.append(next))).toBe('tree/rolled-back');
    expect(await codeOf(replica.trees.adopt(tree.head()))).toBe('tree/not-waiting');
    expect(await newestSigned()).toBe('300');
    await proveAll(tree, early);
    await replica.close();
  });
});

describe('today’s dump', () => {
  beforeEach(async () => cluster.restore(today));
  afterEach(() => scene.letGo());

  test('case 51: the newest one restored goes on under the host that signed', async () => {
    const { tree, replica } = await scene.replica();
    expect(tree.quarantine).toBeUndefined();
    const more = await grow(tree, 3, 'more');
    await proveAll(tree, [...early, ...late, ...more]);
    await replica.close();
    await scene.letGo();
    await scene.endAgent('one', 'SIGTERM');
    today = await cluster.dump();
  });

  test('case 51: a brand-new replica reads until a head is adopted, and no wrong head is', async () => {
    const { tree, replica } = await scene.replica('fresh');
    expect(tree.quarantine?.code).toBe('tree/no-journal');
    expect(await codeOf(tree.append(next))).toBe('tree/no-journal');
    await proveAll(tree, [...early, ...late]);
    const seen = tree.head();
    expect(await codeOf(replica.trees.adopt({ ...seen, root: leafHash(fromUtf8('another')) }))).toBe(
      'tree/forked',
    );
    expect(await codeOf(replica.trees.adopt({ ...seen, size: seen.size + 1n }))).toBe('tree/rolled-back');
    expect(tree.quarantine?.code).toBe('tree/no-journal');
    expect((await replica.trees.adopt(seen)).quarantine).toBeUndefined();
    const more = await grow(tree, 3, 'adopted');
    await proveAll(tree, [...early, ...late, ...more]);
    await replica.close();
  });
});
