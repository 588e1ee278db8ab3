/** Each step of a batch failing two ways in the database: it never heard of it; it did it and nobody was told. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { DatabaseProxy } from '../../kit/database-proxy.js';
import { asSuperuser } from '../../kit/kit.js';
import type { Acknowledged } from '../../kit/separate-replica.js';
import { grow, insist, proveAll, Scene, type Opened } from './scene.js';

let scene: Scene;
let proxy: DatabaseProxy;
let opened: Opened;
let acknowledged: Acknowledged[] = [];
let named = 0;

beforeAll(async () => {
  scene = await Scene.make();
  proxy = await DatabaseProxy.start(scene.world.database.host);
  opened = await scene.replica('one', { host: proxy.host });
});
// Whatever was lost: what was answered is there, once, and nothing else is.
afterEach(async () => {
  await proveAll(opened.tree, acknowledged);
  expect(await leaves()).toBe(acknowledged.length);
  expect(acknowledged.map(({ index }) => index).sort((a, b) => Number(a - b))).toEqual(
    acknowledged.map((_, at) => BigInt(at)),
  );
  expect(opened.tree.quarantine).toBeUndefined();
});
afterAll(async () => {
  await scene.drop();
  await proxy.close();
});

const leaves = async () => Number(await asSuperuser(scene.world.database, 'SELECT count(*) FROM log_leaf'));

async function growing(count: number): Promise<Acknowledged[]> {
  const made = await grow(opened.tree, count, `${named++}`);
  acknowledged = [...acknowledged, ...made];
  return made;
}

describe('the answer to COMMIT', () => {
  test('case 44: COMMIT carried out and its answer lost: one leaf, one index, never a duplicate', async () => {
    await growing(3);
    proxy.lose({ said: 'COMMIT', lost: 'answer' });
    await growing(20);
    expect(proxy.lost).toBe(1);
  });

  test('case 44: COMMIT that never arrived is carried out by the next attempt', async () => {
    proxy.lose({ said: 'COMMIT', lost: 'question' });
    await growing(20);
    expect(proxy.lost).toBe(2);
  });

  test('case 44: lost again and again, the client is told to come back, and nothing is there twice', async () => {
    for (let time = 0; time < 4; time++) proxy.lose({ said: 'COMMIT', lost: 'question' });
    const asked = grow(opened.tree, 1, 'unlucky');
    await expect(asked).rejects.toMatchObject({ code: 'tree/storage', kind: 'unavailable' });
    acknowledged = [...acknowledged, ...(await insist(() => grow(opened.tree, 1, 'unlucky')))];
  });
});

describe.each(['question', 'answer'] as const)('with the %s lost,', (lost) => {
  test.each([
    ['the lock of the head', 'FOR UPDATE'],
    ['the search for duplicates', 'CROSS JOIN LATERAL'],
    ['the copy of leaves', 'COPY log_leaf'],
    ['the tiles', 'INSERT INTO log_tile'],
    ['the head', 'UPDATE log_head'],
  ])('%s: the batch leaves no trace, and its clients come again', async (_step, said) => {
    const before = proxy.lost;
    proxy.lose({ said, lost });
    await expect(grow(opened.tree, 1, `${lost} ${said}`)).rejects.toMatchObject({ code: 'tree/storage' });
    expect(proxy.lost).toBe(before + 1);
    acknowledged = [...acknowledged, ...(await grow(opened.tree, 5, `${lost} ${said}`))];
  });

  test('the checkpoint: the same head is signed again or found, and the waiting clients are answered', async () => {
    const before = proxy.lost;
    proxy.lose({ said: 'INSERT INTO log_checkpoint', lost });
    await growing(5);
    expect(proxy.lost).toBe(before + 1);
    const sizes = scene.journaled();
    expect(sizes).toEqual([...sizes].sort((a, b) => Number(a - b)));
    const forks =
      'SELECT count(*) FROM (SELECT size FROM log_checkpoint GROUP BY size HAVING count(DISTINCT root) > 1) f';
    expect(await asSuperuser(scene.world.database, forks)).toBe('0');
  });
});
