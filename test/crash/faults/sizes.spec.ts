/**
 * Trees about the sizes where something new begins: a tile, a level of tiles, numbers that JavaScript cannot hold.
 *
 * Nobody grows a tree to 2^53 for a test. In a tree whose leaves are all the same each level has one node only, so
 * its edge can be written down for any size. To a replica that runs it is as if another one had written since, and from
 * there the engine must go on by itself.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  Edge,
  leafHash,
  nodeHash,
  rootNodes,
  verifyConsistency,
  verifyInclusion,
  type TreeHead,
} from '#core/merkle';
import { fromUtf8, toHex } from '#core/octets';
import { tilePath, tileWidth, type TileLevel } from '#core/tile';
import type { Tree } from '#tree';
import { freshTrees, noteFormat, type FreshTrees, type Replica } from '../../kit/fresh-trees.js';
import { asSuperuser } from '../../kit/kit.js';
import { softwareSigner } from '../../kit/software-signer.js';

const BOUNDARIES = [
  ...[255n, 256n, 257n],
  ...[65_535n, 65_536n, 65_537n],
  ...[16_777_215n, 16_777_216n, 16_777_217n],
  ...[2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n],
  2n ** 62n,
];
const signer = softwareSigner();
const LEVELS = [0, 1, 2, 3, 4, 5, 6, 7];

/** The one node of each level of the tree. */
const node: Uint8Array[] = [leafHash(fromUtf8('the same'))];
for (let level = 1; level < 64; level++) {
  const below = node[level - 1] ?? new Uint8Array();
  node.push(nodeHash(below, below));
}
const nodeOf = (level: number): Uint8Array => node[level] ?? new Uint8Array();

function edgeOf(size: bigint): Edge {
  return new Edge(
    size,
    rootNodes(size).map(({ level }) => nodeOf(level)),
  );
}

const nameOf = (boundary: bigint) => `test/s${boundary}`;
const specOf = (boundary: bigint) => {
  const origin = `s${boundary}.test`;
  return { name: nameOf(boundary), origin, format: noteFormat(origin, signer) };
};

let world: FreshTrees;
let replica: Replica;
const trees = new Map<bigint, Tree>();

/** What the database of a tree of `size` holds along its edge, and one tile to the left of it. */
function statements(boundary: bigint, size: bigint): string {
  const shard = `(SELECT id FROM log_shard WHERE name = '${nameOf(boundary)}')`;
  const tiles = LEVELS.flatMap((level) => {
    const last = size >> BigInt(8 * (level + 1));
    return [last - 1n, last].flatMap((n) => {
      const width = n < 0n ? 0 : tileWidth(level, n, size);
      if (width === 0) return [];
      const data = `decode(repeat('${toHex(nodeOf(8 * level))}', ${width}), 'hex')`;
      return [
        `INSERT INTO log_tile (shard, level, n, width, data) VALUES (${shard}, ${level}, ${n}, ${width}, ${data});`,
      ];
    });
  });
  const root = `'\\x${toHex(edgeOf(size).root())}'`;
  return [
    `DELETE FROM log_checkpoint WHERE shard = ${shard};`,
    `UPDATE log_head SET size = ${size}, root = ${root} WHERE shard = ${shard};`,
    ...tiles,
    // The leaves of the open tile, which the bundle of it will need.
    `INSERT INTO log_leaf (shard, idx, leaf_hash, kind, stamped_ms, body)
       SELECT ${shard}, idx, '\\x${toHex(nodeOf(0))}', 'test/1', 1, 'the same' FROM generate_series(${(size >> 8n) << 8n}, ${size - 1n}) AS idx;`,
  ].join('\n');
}

/** Files that were published long ago: those that a search by halves looks for. */
function pretendFiles(directory: string, boundary: bigint, size: bigint): void {
  for (const level of ['entries', 0, 1, 2, 3, 4, 5, 6] as const satisfies readonly TileLevel[]) {
    const shift = BigInt(8 * ((level === 'entries' ? 0 : level) + 1));
    const made = size >> shift;
    // The first head that is published has a leaf more.
    for (let [low, high] = [0n, (size + 1n) >> shift]; low < high;) {
      const middle = (low + high) / 2n;
      if (middle >= made) {
        high = middle;
        continue;
      }
      const path = join(directory, nameOf(boundary), tilePath(level, middle));
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, '');
      low = middle + 1n;
    }
  }
}

beforeAll(async () => {
  world = await freshTrees();
  replica = await world.replica();
  for (const boundary of BOUNDARIES) trees.set(boundary, await replica.trees.open(specOf(boundary)));
  const all = BOUNDARIES.map((boundary) => statements(boundary, boundary - 2n));
  await asSuperuser(world.database, `SET session_replication_role = replica; ${all.join('\n')}`);
  for (const boundary of BOUNDARIES) pretendFiles(replica.directory, boundary, boundary - 2n);
});
afterAll(() => world.drop());

describe('a tree', () => {
  test.each(BOUNDARIES.map(String))('case 57: grows past %s leaves', async (text) => {
    const boundary = BigInt(text);
    const tree = trees.get(boundary);
    if (tree === undefined) throw new Error('no such tree');
    const before = boundary - 2n;
    const edge = edgeOf(before);
    let earlier: TreeHead | undefined;
    for (let at = 0n; at < 4n; at++) {
      const body = fromUtf8(`${boundary} ${at}`);
      const { index, head, proof } = await tree.append({ body, kind: 'test/1' });
      edge.append(leafHash(body));
      expect(index).toBe(before + at);
      expect(toHex(head.root)).toBe(toHex(edge.root()));
      expect(head.note).toContain(`\n${before + at + 1n}\n`);
      verifyInclusion(leafHash(body), index, proof, head);
      if (earlier !== undefined)
        verifyConsistency(earlier, head, await tree.consistency(earlier.size, head.size));
      expect(await tree.findByHash(leafHash(body))).toBe(index);
      expect(Buffer.from((await tree.leaf(index))?.body ?? [])).toEqual(Buffer.from(body));
      earlier = head;
    }
    expect(tree.quarantine).toBeUndefined();
  });

  test('case 57: of no and of one leaf', async () => {
    const tree = await replica.trees.open({
      name: 'test/none',
      origin: 'none.test',
      format: noteFormat('none.test', signer),
    });
    expect(tree.head().size).toBe(0n);
    const { head } = await tree.append({ body: fromUtf8('only'), kind: 'test/1' });
    expect(toHex(head.root)).toBe(toHex(leafHash(fromUtf8('only'))));
    verifyInclusion(leafHash(fromUtf8('only')), 0n, [], head);
  });
});
