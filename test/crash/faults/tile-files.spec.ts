/** The disk of published files fails under a replica that runs: files are derived, and nobody waits for them. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { leafHash } from '#core/merkle';
import { fromUtf8 } from '#core/octets';
import { BadStorage, type StorageFault } from '../../kit/interposer/bad-storage.js';
import type { Acknowledged, SeparateReplica } from '../../kit/separate-replica.js';
import { codeOf, eventually, proveAll, Scene, TREE } from './scene.js';

let scene: Scene;
let disk: BadStorage;
let replica: SeparateReplica;
let acknowledged: Acknowledged[] = [];

beforeAll(async () => {
  scene = await Scene.make();
  disk = new BadStorage();
  replica = await scene.separate('one', {}, disk.environment);
});
afterAll(() => scene.drop());

const file = (path: string) => join(scene.files(), TREE, 'tile', path);
const aside = () => readdirSync(join(scene.files(), TREE, 'tmp'));

/** Fills one more tile; every leaf must be answered, whatever the disk does. */
async function fillTile(): Promise<string> {
  const n = Math.floor(acknowledged.length / 256);
  const wanted = (n + 1) * 256 - acknowledged.length;
  const bodies = Array.from({ length: wanted }, (_, at) => `leaf ${acknowledged.length + at}`);
  acknowledged = [...acknowledged, ...(await Promise.all(bodies.map((body) => replica.append(body))))];
  return `0/${String(n).padStart(3, '0')}`;
}

/** One more leaf, which makes the replica look at its files again. */
async function another(): Promise<void> {
  acknowledged.push(await replica.append(`another ${acknowledged.length}`));
}

function expectWhole(tile: string): void {
  const n = Number(tile.slice(2));
  const inTile = acknowledged.filter(({ index }) => index >> 8n === BigInt(n));
  const hashes = inTile.sort((a, b) => Number(a.index - b.index)).map(({ body }) => leafHash(fromUtf8(body)));
  expect(readFileSync(file(tile)).equals(Buffer.concat(hashes))).toBe(true);
}

const tiles = '*/tile/*';
const temporary = '*/test/a/tmp/*';

describe('a full tile', () => {
  const faults: readonly [string, Omit<StorageFault, 'times'>][] = [
    ['EIO when it is written aside', { path: temporary, on: ['write'], error: 'EIO' }],
    ['EIO when it is half written', { path: temporary, on: ['write'], error: 'EIO', how: 'half' }],
    ['EIO although it was written', { path: temporary, on: ['write'], error: 'EIO', how: 'after' }],
    ['EIO when it is synced', { path: temporary, on: ['sync'], error: 'EIO' }],
    ['EIO when it is linked into place', { path: tiles, on: ['link'], error: 'EIO' }],
    ['EIO although it was linked into place', { path: tiles, on: ['link'], error: 'EIO', how: 'after' }],
    ['EIO when its directory is synced', { path: tiles, on: ['sync'], error: 'EIO' }],
    ['no room to make it', { path: temporary, on: ['create'], error: 'ENOSPC' }],
    ['no room to write it', { path: temporary, on: ['write'], error: 'ENOSPC' }],
    ['no room for its name', { path: tiles, on: ['link'], error: 'ENOSPC' }],
  ];

  test.each(faults)(
    'case 46: %s: leaves are answered, and the file comes with the next checkpoint',
    async (_, fault) => {
      disk.fail({ ...fault, times: 1 });
      const tile = await fillTile();
      expect(disk.met()[0]).toBeGreaterThan(0);
      await eventually(async () => {
        await another();
        return existsSync(file(tile));
      });
      expectWhole(tile);
      await eventually(() => aside().length === 0);
      expect((await replica.state()).quarantine).toBeUndefined();
    },
  );

  test('case 46: EIO at the rename of what is remembered: the next one is', async () => {
    const newest = join(scene.files(), TREE, 'newest');
    const before = readFileSync(newest, 'utf8');
    disk.fail({ path: '*/newest', on: ['rename'], error: 'EIO', times: 1 });
    await another();
    expect(disk.met()[0]).toBe(1);
    expect(readFileSync(newest, 'utf8')).toBe(before);
    await another();
    expect(readFileSync(newest, 'utf8')).not.toBe(before);
  });

  test('case 47: no room for anything, for a while: nothing is lost, and it is freed without an operator', async () => {
    disk.fail({
      path: `${scene.files()}/*`,
      on: ['create', 'write', 'sync', 'rename', 'link'],
      error: 'ENOSPC',
    });
    const missed = [await fillTile(), await fillTile()];
    expect(missed.some((tile) => existsSync(file(tile)))).toBe(false);
    disk.heal();
    await eventually(async () => {
      await another();
      return missed.every((tile) => existsSync(file(tile)));
    });
    missed.forEach(expectWhole);
    await eventually(() => aside().length === 0);
  });

  test.each(['before', 'after'] as const)(
    'killed %s it is linked: the next start writes the same',
    async (how) => {
      disk.fail({ path: tiles, on: ['link'], error: 'KILL', how, times: 1 });
      const n = Math.floor(acknowledged.length / 256);
      const bodies = Array.from({ length: 300 }, (_, at) => `killed ${how} ${at}`);
      const asked = await Promise.allSettled(bodies.map((body) => replica.append(body)));
      await replica.ended;
      disk.heal();
      replica = await scene.separate('one', {}, disk.environment);
      // A client that had no answer asks again.
      const unanswered = bodies.filter((_, at) => asked[at]?.status !== 'fulfilled');
      expect(unanswered.length).toBeGreaterThan(0);
      const again = await Promise.all(unanswered.map((body) => replica.append(body)));
      acknowledged = [
        ...acknowledged,
        ...asked.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])),
        ...again,
      ];
      const tile = `0/${String(n).padStart(3, '0')}`;
      await eventually(() => existsSync(file(tile)));
      expectWhole(tile);
    },
  );
});

describe('a file from before the database went back', () => {
  /** Puts a file where the next tile will be, and appends what fills that tile. */
  async function overtake(content: (hashes: readonly Uint8Array[]) => Buffer): Promise<string> {
    const last = file(await fillTile());
    await eventually(() => existsSync(last));
    const bodies = Array.from({ length: 256 }, (_, at) => `again ${acknowledged.length + at}`);
    const path = file(`0/${String(acknowledged.length / 256).padStart(3, '0')}`);
    writeFileSync(path, content(bodies.map((body) => leafHash(fromUtf8(body)))));
    const ends = await Promise.allSettled(bodies.map((body) => replica.append(body)));
    acknowledged = [
      ...acknowledged,
      ...ends.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])),
    ];
    return path;
  }

  test('case 56: is left as it is, if the tree grows to the same again', async () => {
    const path = await overtake((hashes) => Buffer.concat(hashes));
    const { mtimeMs } = statSync(path);
    await eventually(() => existsSync(path.replace('/tile/0/', '/tile/entries/')));
    await another();
    expect(statSync(path).mtimeMs).toBe(mtimeMs);
    expect((await replica.state()).quarantine).toBeUndefined();
  });

  test('case 56: is kept as evidence, if it differs, and the tree stands still', async () => {
    const path = await overtake((hashes) => Buffer.concat(hashes.toReversed()));
    const planted = readFileSync(path);
    await eventually(async () => (await replica.state()).quarantine === 'tree/file-differs');
    expect(await codeOf(replica.append('after it'))).toBe('tree/file-differs');
    expect(readFileSync(path).equals(planted)).toBe(true);
  });
});

test('case 46: everything that was answered meanwhile is proved', async () => {
  await replica.kill();
  const { tree } = await scene.replica('one');
  await proveAll(tree, acknowledged);
});
