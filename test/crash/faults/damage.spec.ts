/** What a start does with a tree that was damaged in the database; where the damage is, `airseal log fsck` says. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { fromUtf8 } from '#core/octets';
import { asSuperuser } from '../../kit/kit.js';
import { codeOf, grow, Scene, type Opened } from './scene.js';

let scene: Scene;
afterEach(() => scene.drop());

const SIZE = 300;
const flip = (column: string, octet: number) =>
  `${column} = set_byte(${column}, ${octet}, get_byte(${column}, ${octet}) # 1)`;
const sql = (statement: string) => asSuperuser(scene.world.database, statement);

/** A tree of 300 leaves, closed, damaged, and started again on a host whose files were lost. */
async function started(damage: string): Promise<Opened> {
  scene = await Scene.make();
  const { tree, replica } = await scene.replica();
  await grow(tree, SIZE);
  await replica.close();
  await sql(`SET session_replication_role = replica; ${damage}`);
  return await scene.replica();
}

const newestSigned = () => sql('SELECT max(size) FROM log_checkpoint');

describe('in the edge', () => {
  test.each([
    [
      'case 53: a bit of the tile that grows',
      `UPDATE log_tile SET ${flip('data', 40)} WHERE level = 0 AND n = 1`,
    ],
    [
      'case 53: a bit of the tile above it',
      `UPDATE log_tile SET ${flip('data', 3)} WHERE level = 1 AND n = 0`,
    ],
    ['case 53: a bit of the root of the head', `UPDATE log_head SET ${flip('root', 31)}`],
    ['case 57: a head that says one leaf more than there is', 'UPDATE log_head SET size = size + 1'],
  ])('%s: nothing is appended and nothing signed', async (_what, damage) => {
    const { tree, replica } = await started(damage);
    expect(tree.quarantine?.code).toBe('tree/edge-mismatch');
    for (const work of [() => tree.append({ body: fromUtf8('next'), kind: 'test/1' }), () => tree.renew()])
      expect(await codeOf(work())).toBe('tree/edge-mismatch');
    expect(await newestSigned()).toBe(String(SIZE));
    expect(scene.journaled().at(-1)).toBe(BigInt(SIZE));
    expect(await codeOf(replica.trees.adopt({ size: BigInt(SIZE), root: new Uint8Array(32) }))).toBe(
      'tree/not-waiting',
    );
  });
});

describe('behind the edge', () => {
  // Small enough that the sample of a start is all of it; of a larger tree it is some of it.
  test.each([
    ['case 53: a bit of a full tile', `UPDATE log_tile SET ${flip('data', 8)} WHERE level = 0 AND n = 0`],
    ['case 53: a bit of a leaf hash', `UPDATE log_leaf SET ${flip('leaf_hash', 0)} WHERE idx = 1`],
    ['case 54: a leaf that was deleted', 'DELETE FROM log_leaf WHERE idx = 7'],
  ])('%s: the start finds it, nothing is appended and nothing signed', async (_what, damage) => {
    const { tree } = await started(damage);
    expect(tree.quarantine?.code).toBe('tree/tile-mismatch');
    expect(tree.quarantine?.message).toMatch(/tile 0\/0|leaf [17]/);
    expect(await codeOf(tree.append({ body: fromUtf8('next'), kind: 'test/1' }))).toBe('tree/tile-mismatch');
    expect(await newestSigned()).toBe(String(SIZE));
    expect(scene.journaled().at(-1)).toBe(BigInt(SIZE));
  });

  test('case 53: a bit that flips while it runs: no proof is given that does not hold, and the log stops there', async () => {
    const { tree } = await started('');
    const before = await tree.leaf(1n);
    await sql(
      `SET session_replication_role = replica; UPDATE log_leaf SET ${flip('leaf_hash', 0)} WHERE idx = 1`,
    );
    const after = await tree.leaf(1n);
    expect(after?.leafHash).not.toEqual(before?.leafHash);
    expect(await codeOf(tree.prove(1n, after?.leafHash ?? new Uint8Array()))).toBe('tree/proof-mismatch');
    expect(tree.quarantine?.code).toBe('tree/proof-mismatch');
    expect(await newestSigned()).toBe(String(SIZE));
  });
});
