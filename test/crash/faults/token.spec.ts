/** The token is slow, away, forgetful, broken, locked, or another one; and two signers share it. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fromUtf8 } from '#core/octets';
import { freshTrees, noteFormat } from '../../kit/fresh-trees.js';
import { asSuperuser, freshToken } from '../../kit/kit.js';
import type { Acknowledged } from '../../kit/separate-replica.js';
import {
  codeOf,
  eventually,
  grow,
  insist,
  ORIGIN,
  proveAll,
  Scene,
  TREE,
  URI,
  type Opened,
} from './scene.js';

let scene: Scene;
let opened: Opened;
let acknowledged: Acknowledged[] = [];
let named = 0;

beforeAll(async () => {
  scene = await Scene.make();
  opened = await scene.replica();
});
afterEach(async () => {
  scene.token.misbehave();
  // Whatever it did, it recovers by itself, and nothing that was answered is lost.
  acknowledged = [...acknowledged, ...(await insist(() => grow(opened.tree, 3, `after ${named++}`)))];
  await proveAll(opened.tree, acknowledged);
  expect(opened.tree.quarantine).toBeUndefined();
});
afterAll(() => scene.drop());

const newestSigned = () =>
  asSuperuser(scene.world.database, 'SELECT coalesce(max(size), 0) FROM log_checkpoint');
const leaves = () => asSuperuser(scene.world.database, 'SELECT count(*) FROM log_leaf');

/** Appends while the token misbehaves as ordered; it must commit, sign nothing, and be answered once that is over. */
async function waitsFor(...orders: string[]): Promise<void> {
  const [before, signed] = [Number(await leaves()), await newestSigned()];
  scene.token.misbehave(...orders);
  const waiting = grow(opened.tree, 5, `during ${named++}`);
  await eventually(async () => Number(await leaves()) === before + 5);
  expect(await newestSigned()).toBe(signed);
  // Reading needs no token.
  await proveAll(opened.tree, acknowledged);
  scene.token.misbehave();
  acknowledged = [...acknowledged, ...(await waiting)];
}

describe('a token', () => {
  test.each([70, 1000])('case 42: of %d ms: one signature covers many leaves', async (ms) => {
    scene.token.misbehave(`slow ${ms}`);
    const before = scene.journaled().length;
    const { tree } = await scene.replica('one', { maxBatch: 8 });
    const answers = await grow(tree, 160, `slow ${ms}`);
    acknowledged = [...acknowledged, ...answers];
    // Twenty batches; while one head is being signed the others gather under the next.
    expect(scene.journaled().length - before).toBeLessThan(16);
    expect(answers).toHaveLength(160);
    await eventually(() => opened.tree.size === tree.size);
  });

  test('case 42: removed: leaves wait, nothing is signed; returned: they are answered', () =>
    waitsFor('removed'));

  test('case 42: that forgets its sessions', () => waitsFor('forgetful'));

  test('case 42: whose library crashes: the agent is started again, and the line stood before the signature', async () => {
    scene.token.misbehave('crash');
    const agent = scene.agentOf('one');
    const waiting = grow(opened.tree, 2, 'crash');
    await eventually(() => scene.agentOf('one') !== agent);
    scene.token.misbehave();
    acknowledged = [...acknowledged, ...(await waiting)];
    expect(scene.journaled()).toContain(acknowledged.at(-1)?.head.size);
  });

  test('case 42: slower than the deadline: given up, not signed twice, answered later', async () => {
    const impatient = await scene.replica('one', { hsm: await scene.host('one', 300) });
    scene.token.misbehave('slow 700');
    expect(await codeOf(impatient.tree.renew())).toBe('hsm/deadline');
    const waiting = grow(impatient.tree, 2, 'late');
    await eventually(async () => Number(await leaves()) > Number(await newestSigned()));
    scene.token.misbehave();
    acknowledged = [...acknowledged, ...(await waiting)];
    await impatient.replica.close();
    await eventually(() => opened.tree.size === BigInt(acknowledged.length));
  });

  test('case 42: with another PIN: tried once, not again, and right again when its file is', async () => {
    const { pinSource } = scene.token.settings;
    const pin = readFileSync(pinSource, 'utf8');
    writeFileSync(pinSource, 'not-the-pin\n');
    await scene.endAgent();
    const refusals = new Set<string>();
    await eventually(async () => {
      refusals.add(await codeOf(opened.tree.renew()));
      return refusals.has('hsm/pin-refused-before');
    });
    expect(refusals).not.toContain('nothing was refused');
    await proveAll(opened.tree, acknowledged);
    writeFileSync(pinSource, pin);
  });

  test('case 42: that signs garbage: no verifier ever sees it, and the log stands until it is started again', async () => {
    const signed = await newestSigned();
    scene.token.misbehave('garbage');
    expect(await codeOf(grow(opened.tree, 2, 'garbage'))).toBe('hsm/garbage');
    expect(opened.tree.quarantine?.code).toBe('hsm/garbage');
    expect(await newestSigned()).toBe(signed);
    scene.token.misbehave();
    await opened.replica.close();
    opened = await scene.replica();
    acknowledged = [...acknowledged, ...(await grow(opened.tree, 2, 'garbage'))];
  });

  test('case 42: swapped for one of the same label with other keys: nothing is signed; swapped back: it goes on', async () => {
    const signed = await newestSigned();
    const mine = dirname(scene.token.settings.pinSource);
    const other = await freshToken('airseal-online');
    const theirs = dirname(other.pinSource);
    const swap = (): void => {
      for (const name of ['objects', 'pin']) {
        renameSync(join(mine, name), join(mine, `${name}.away`));
        renameSync(join(theirs, name), join(mine, name));
        renameSync(join(mine, `${name}.away`), join(theirs, name));
      }
    };
    const away = async (): Promise<void> => {
      scene.token.misbehave('removed');
      await expect(opened.hsm.probe('online')).rejects.toMatchObject({ kind: 'unavailable' });
    };
    await away();
    swap();
    scene.token.misbehave();
    await eventually(async () => (await codeOf(opened.tree.renew())) === 'hsm/key-absent');
    // And with a key of the same label in it.
    const hsm = await scene.host();
    await hsm.generate('online', { label: 'log', algorithm: 'ecdsa-p256-sha256' });
    expect(await codeOf(opened.tree.renew())).toBe('hsm/key-unexpected');
    expect(await newestSigned()).toBe(signed);
    await proveAll(opened.tree, acknowledged);
    await away();
    swap();
    scene.token.misbehave();
    await eventually(async () => (await codeOf(opened.tree.renew())) === 'nothing was refused');
  });
});

describe('two signers on one token', () => {
  test('case 49: on two hosts, one database: each keeps its journal, and they never contradict each other', async () => {
    const second = await scene.replica('two');
    expect(second.tree.quarantine?.code).toBe('tree/no-journal');
    // It follows what the others sign while it may not.
    acknowledged = [...acknowledged, ...(await grow(opened.tree, 2, 'followed'))];
    await eventually(() => second.tree.size === BigInt(acknowledged.length));
    await second.replica.trees.adopt(second.tree.head());
    const lines = [opened.tree, second.tree].map(async (tree, at) => {
      for (let round = 0; round < 10; round++)
        acknowledged.push(...(await insist(() => grow(tree, 5, `host ${at} ${round}`))));
    });
    await Promise.all(lines);
    for (const name of ['one', 'two']) {
      const sizes = scene.journaled(name);
      expect(sizes).toEqual(sizes.toSorted((a, b) => Number(a - b)));
    }
    const forks =
      'SELECT count(*) FROM (SELECT size FROM log_checkpoint GROUP BY size HAVING count(DISTINCT root) > 1) f';
    expect(await asSuperuser(scene.world.database, forks)).toBe('0');
    await eventually(() => opened.tree.size === BigInt(acknowledged.length));
    await second.replica.close();
  });

  test('case 49: on two databases: the one that knows less signs nothing, on another host as on this', async () => {
    const before = scene.journaled().length;
    await opened.replica.close();
    await scene.letGo();
    await scene.endAgent('one', 'SIGTERM');
    const elsewhere = await freshTrees();
    for (const name of ['one', 'three']) {
      const replica = await elsewhere.replica();
      const signer = await (await scene.host(name)).headSigner(URI, ORIGIN);
      const tree = await replica.trees.open({
        name: TREE,
        origin: ORIGIN,
        format: noteFormat(ORIGIN, signer),
      });
      expect(tree.quarantine?.code).toBe('tree/rolled-back');
      expect(await codeOf(tree.append({ body: fromUtf8('fork'), kind: 'test/1' }))).toBe('tree/rolled-back');
    }
    expect(await asSuperuser(elsewhere.database, 'SELECT count(*) FROM log_checkpoint')).toBe('0');
    expect(scene.journaled()).toHaveLength(before);
    await elsewhere.drop();
    opened = await scene.replica();
  });
});
