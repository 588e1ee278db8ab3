/** Tile paths: the examples of C2SP tlog-tiles, and those of x/mod/sumdb/tlog moved to height 8. */
import { describe, expect, test } from '@jest/globals';
import { formatBundle, parseBundle, parseTilePath, tilePath, type TileLevel } from '#core/tile';

const PATHS: readonly (readonly [string, TileLevel, bigint, number])[] = [
  ['tile/0/x001/x234/067', 0, 1234067n, 256],
  ['tile/0/000', 0, 0n, 256],
  ['tile/0/000.p/1', 0, 0n, 1],
  ['tile/1/001', 1, 1n, 256],
  ['tile/0/001.p/5', 0, 1n, 5],
  ['tile/3/x123/x456/078', 3, 123456078n, 256],
  ['tile/3/x123/x456/078.p/2', 3, 123456078n, 2],
  ['tile/0/x003/x057/500', 0, 3057500n, 256],
  ['tile/entries/x003/x057/500', 'entries', 3057500n, 256],
  ['tile/entries/000.p/255', 'entries', 0n, 255],
  ['tile/0/999', 0, 999n, 256],
  ['tile/0/x001/000', 0, 1000n, 256],
];

test.each(PATHS)('%s is written and read alike', (path, level, index, width) => {
  expect(tilePath(level, index, width)).toBe(path);
  expect(parseTilePath(path)).toEqual({ level, index, width });
});

describe('refuses', () => {
  test.each([
    '',
    'tile',
    '/tile/0/000',
    'tile/0/000/',
    'tile/0',
    'tile/00/000',
    'tile/01/000',
    'tile/-1/000',
    'tile/64/000',
    'tile/7/x999/x999/999',
    'tile/data/000',
    'tile/5/123/456/078',
    'tile/0/1',
    'tile/0/01',
    'tile/0/0000',
    'tile/0/x001/x234/x067',
    'tile/0/001/x234/067',
    'tile/0/x000/001',
    'tile/0/x000/x000/001',
    'tile/0/X001/000',
    'tile/0/000.p/0',
    'tile/0/000.p/01',
    'tile/0/000.p/256',
    'tile/0/000.p/257',
    'tile/0/000.p/',
    'tile/0/000.p',
    'tile/0/000.p/1/',
    'tile/0/000.p/1000',
    'tile/0/../0/000',
    'tile/0/%30%30%30',
    'tile/0/000\n',
    'tile/0/x999/x999/x999/x999/x999/x999/999',
  ])('%j', (path) => {
    expect(() => parseTilePath(path)).toThrow(expect.objectContaining({ code: 'tile/path' }));
  });
});

describe('entry bundles', () => {
  test('keep each entry after its length', () => {
    const bundle = formatBundle([Buffer.from('abc'), Buffer.from(''), Buffer.alloc(300, 1)]);
    expect(Buffer.from(bundle.subarray(0, 9)).toString('hex')).toBe('00036162630000012c');
    expect(parseBundle(bundle).map((entry) => entry.length)).toEqual([3, 0, 300]);
  });

  test('refuse an entry of 65,536 octets, a cut-off bundle and a 257th entry', () => {
    expect(() => formatBundle([Buffer.alloc(65_536)])).toThrow(
      expect.objectContaining({ code: 'tile/entry-too-large' }),
    );
    const bundle = formatBundle([Buffer.from('abc')]);
    for (const bytes of [bundle.subarray(0, 4), bundle.subarray(0, 1), Buffer.alloc(2 * 257)]) {
      expect(() => parseBundle(bytes)).toThrow(expect.objectContaining({ code: 'tile/bundle' }));
    }
  });
});
