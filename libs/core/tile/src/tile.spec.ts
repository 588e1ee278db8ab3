import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isFault } from '#core/fault';
import {
  Edge,
  inclusionNodes,
  inclusionProof,
  leafHash,
  verifyInclusion,
  type NodeReader,
} from '#core/merkle';
import { concat, toHex } from '#core/octets';
import {
  formatBundle,
  hashInTile,
  hashesOfTile,
  nodeInTile,
  parseBundle,
  parseTilePath,
  tilePath,
  tileRoot,
  tileWidth,
  tilesFor,
  tilesGrown,
} from './index.js';

const SIZE = 66_000;

/** All nodes of a tree of 66,000 leaves: three levels of tiles, the last ones partial. */
const nodes = new Map<string, Uint8Array>();
const edge = new Edge();
for (let at = 0; at < SIZE; at++) {
  edge.append(leafHash(Uint8Array.of(at & 255, at >> 8)), (level, index, hash) =>
    nodes.set(`${level}/${index}`, hash),
  );
}
function node(level: number, index: bigint): Uint8Array {
  const hash = nodes.get(`${level}/${index}`);
  if (hash === undefined) throw new Error(`no node ${index} at level ${level}`);
  return hash;
}
function tile(level: number, index: bigint, width: number): Uint8Array {
  return concat(...Array.from({ length: width }, (_, at) => node(8 * level, index * 256n + BigInt(at))));
}

test('every node is in the tile where nodeInTile says, and is computed from it', () => {
  fc.assert(
    fc.property(fc.nat({ max: 16 }), fc.nat(), (level, nat) => {
      const count = SIZE >> level;
      const index = BigInt(nat % Math.max(count, 1));
      const place = nodeInTile(level, index);
      const width = tileWidth(place.tileLevel, place.tileIndex, BigInt(SIZE));
      const hash = hashInTile(tile(place.tileLevel, place.tileIndex, width), place);
      expect(toHex(hash)).toBe(toHex(node(level, index)));
      // The narrowest tile that holds it is enough, and one hash less is not.
      const narrow = tile(place.tileLevel, place.tileIndex, place.offset + place.count);
      expect(toHex(hashInTile(narrow, place))).toBe(toHex(hash));
      expect(() => hashInTile(narrow.subarray(32), place)).toThrow(
        expect.objectContaining({ code: 'tile/too-narrow' }),
      );
    }),
    { numRuns: 60 },
  );
});

test('a full tile hashes to the entry in the tile above', () => {
  expect(toHex(tileRoot(tile(0, 7n, 256)))).toBe(toHex(node(8, 7n)));
  expect(() => tileRoot(tile(0, 257n, tileWidth(0, 257n, BigInt(SIZE))))).toThrow(
    expect.objectContaining({ code: 'tile/too-narrow' }),
  );
});

test('proofs are made from the tiles that tilesFor names', () => {
  fc.assert(
    fc.property(fc.nat({ max: SIZE - 1 }), (at) => {
      const wanted = inclusionNodes(BigInt(at), BigInt(SIZE));
      const tiles = new Map(
        tilesFor(wanted, BigInt(SIZE)).map((id) => [
          `${id.level}/${id.index}`,
          tile(id.level, id.index, id.width),
        ]),
      );
      const read: NodeReader = (level, index) => {
        const place = nodeInTile(level, index);
        const bytes = tiles.get(`${place.tileLevel}/${place.tileIndex}`);
        if (bytes === undefined) throw new Error('a tile was not named');
        return hashInTile(bytes, place);
      };
      verifyInclusion(
        node(0, BigInt(at)),
        BigInt(at),
        inclusionProof(BigInt(at), BigInt(SIZE), read),
        edge.head(),
      );
    }),
    { numRuns: 30 },
  );
});

test('growing in steps publishes the same tiles as growing at once', () => {
  const key = ({ level, index, width }: { level: number; index: bigint; width: number }): string =>
    `${level}/${index}/${width}`;
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 3000 }), { maxLength: 8 }), (steps) => {
      let size = 0n;
      const widest = new Map<string, number>();
      for (const step of steps) {
        const next = size + BigInt(step);
        for (const { level, index, width } of tilesGrown(size, next)) {
          expect(width).toBe(tileWidth(level, index, next));
          expect(width).toBeGreaterThan(widest.get(`${level}/${index}`) ?? 0);
          widest.set(`${level}/${index}`, width);
        }
        size = next;
      }
      const atOnce = tilesGrown(0n, size).map(key).sort();
      expect(Array.from(widest, ([place, width]) => `${place}/${width}`).sort()).toEqual(atOnce);
    }),
  );
  expect(tilesGrown(5n, 5n)).toEqual([]);
  expect(tilesGrown(0n, 257n).map(key)).toEqual(['0/0/256', '0/1/1', '1/0/1']);
});

test('a tile is whole hashes, 1 to 256 of them', () => {
  expect(hashesOfTile(tile(0, 0n, 3)).map(toHex)).toEqual([0n, 1n, 2n].map((index) => toHex(node(0, index))));
  for (const length of [0, 31, 33, 257 * 32]) {
    expect(() => hashesOfTile(new Uint8Array(length))).toThrow(
      expect.objectContaining({ code: 'tile/size' }),
    );
  }
});

test('paths and bundles come back as they went', () => {
  const level = fc.oneof(fc.constant('entries' as const), fc.nat({ max: 3 }));
  fc.assert(
    fc.property(
      level,
      fc.bigInt({ min: 0n, max: 2n ** 30n }),
      fc.integer({ min: 1, max: 256 }),
      (l, index, width) => {
        expect(parseTilePath(tilePath(l, index, width))).toEqual({ level: l, index, width });
      },
    ),
  );
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 20 }), (entries) => {
      expect(parseBundle(formatBundle(entries)).map(toHex)).toEqual(entries.map(toHex));
    }),
  );
});

test('strangers get faults, never defects', () => {
  const onlyFaults = (work: () => unknown): void => {
    try {
      work();
    } catch (error) {
      expect(isFault(error)).toBe(true);
    }
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => onlyFaults(() => parseBundle(bytes))));
  fc.assert(
    fc.property(fc.stringMatching(/^tile\/[0-9entris]{1,7}\/[x0-9/.p]{0,40}$/), (path) => {
      onlyFaults(() => {
        const { level, index, width } = parseTilePath(path);
        expect(tilePath(level, index, width)).toBe(path);
      });
    }),
  );
});
