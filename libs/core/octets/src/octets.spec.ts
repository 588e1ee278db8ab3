import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { bigEndian, fromBigEndian } from './index.js';

describe('big-endian integers', () => {
  test('have one spelling of each width, the one that a DataView writes', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.nat({ max: 12 }), (value, more) => {
        const view = new DataView(new ArrayBuffer(8));
        view.setBigUint64(0, value);
        const wide = bigEndian(value, 8 + more);
        expect(wide).toEqual(Uint8Array.from([...new Uint8Array(more), ...new Uint8Array(view.buffer)]));
        expect(fromBigEndian(wide)).toBe(value);
        if (value <= BigInt(Number.MAX_SAFE_INTEGER))
          expect(bigEndian(Number(value), 8 + more)).toEqual(wide);
      }),
    );
  });

  test('are read from as many octets as there are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), (octets) => {
        expect(fromBigEndian(octets)).toBe(octets.reduce((sum, octet) => sum * 256n + BigInt(octet), 0n));
        expect(bigEndian(fromBigEndian(octets), octets.length)).toEqual(octets);
      }),
    );
    expect(fromBigEndian(new Uint8Array())).toBe(0n);
  });

  test.each([
    [256, 1],
    [1, 0],
    [-1, 4],
    [2n ** 64n, 8],
    [1.5, 4],
  ])('%p does not fit in %i octets', (value, width) => {
    expect(() => bigEndian(value, width)).toThrow(RangeError);
  });
});
