import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isFault } from '#core/fault';
import { concat, fromHex, toHex } from '#core/octets';
import * as der from './index.js';

const { DerReader } = der;

function refusal(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (isFault(error)) return error.code;
    throw error;
  }
  return 'accepted';
}

describe('the DER writer and reader', () => {
  test('read back every integer that they write', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 170n), max: 2n ** 170n }), (value) => {
        expect(new DerReader(der.integer(value)).integer()).toBe(value);
      }),
    );
  });

  test.each([
    [0n, '020100'],
    [127n, '02017f'],
    [128n, '02020080'],
    [256n, '02020100'],
    [-1n, '0201ff'],
    [-128n, '020180'],
    [-129n, '0202ff7f'],
  ])('write %s as %s', (value, hex) => {
    expect(toHex(der.integer(value))).toBe(hex);
  });

  test('read back object identifiers', () => {
    const arc = fc.bigInt({ min: 0n, max: 2n ** 126n });
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 }),
        fc.integer({ min: 0, max: 39 }),
        fc.array(arc),
        (a, b, rest) => {
          const dotted = [a, b, ...rest].join('.');
          expect(new DerReader(der.objectIdentifier(dotted)).oid()).toBe(dotted);
        },
      ),
    );
  });

  test('write the identifiers that X.690 gives as an example', () => {
    expect(toHex(der.objectIdentifier('2.999.3'))).toBe('0603883703');
    expect(toHex(der.objectIdentifier('1.2.840.10045.4.3.2'))).toBe('06082a8648ce3d040302');
  });

  test('read back texts, octets, bits, booleans and times', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        fc.uint8Array({ maxLength: 70_000 }),
        fc.boolean(),
        fc.integer({ min: -631_152_000, max: 253_402_300_799 }),
        (text, octets, flag, seconds) => {
          expect(new DerReader(der.utf8String(text)).utf8()).toBe(text);
          expect(toHex(new DerReader(der.octetString(octets)).octets())).toBe(toHex(octets));
          expect(toHex(new DerReader(der.bitString(octets)).wholeBits())).toBe(toHex(octets));
          expect(new DerReader(der.boolean(flag)).boolean()).toBe(flag);
          expect(new DerReader(der.time(seconds * 1000)).time()).toBe(seconds * 1000);
          expect(new DerReader(der.generalizedTime(seconds * 1000)).generalizedTime()).toBe(seconds * 1000);
        },
      ),
    );
  });

  test('agree with the calendar of the platform', () => {
    fc.assert(
      fc.property(fc.integer({ min: -62_167_219_200, max: 253_402_300_799 }), (seconds) => {
        const iso = new Date(seconds * 1000).toISOString();
        expect(der.generalizedTimeText(seconds * 1000)).toBe(`${iso.slice(0, 19).replace(/[-:T]/g, '')}Z`);
      }),
    );
  });

  test('change from UTCTime to GeneralizedTime with the year 2050', () => {
    expect(toHex(der.time(Date.UTC(2049, 11, 31, 23, 59, 59))).slice(0, 4)).toBe('170d');
    expect(toHex(der.time(Date.UTC(2050, 0, 1))).slice(0, 4)).toBe('180f');
    expect(refusal(() => new DerReader(der.generalizedTime(Date.UTC(2049, 0, 1))).time())).toBe('der/time');
  });

  test('write lengths in the shortest form', () => {
    for (const length of [0, 127, 128, 255, 256, 65_535, 65_536]) {
      const written = der.octetString(new Uint8Array(length));
      expect(new DerReader(written).octets()).toHaveLength(length);
      expect(refusal(() => der.verifyDer(written))).toBe('accepted');
    }
  });

  test('sort the members of a SET OF', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n })), (values) => {
        const written = der.setOf(...values.map((value) => der.integer(value)));
        expect(new DerReader(written).setOf()).toHaveLength(values.length);
      }),
    );
  });
});

describe('the DER reader', () => {
  test.each([
    ['a length with a leading zero', '04820001ff', 'der/length'],
    ['a long length for a short content', '048101ff', 'der/length'],
    ['an indefinite length', '30800000', 'der/length'],
    ['a five-octet length', '04850000000001ff', 'der/length'],
    ['a padded integer', '02020001', 'der/integer'],
    ['a padded negative integer', '0202ff80', 'der/integer'],
    ['an empty integer', '0200', 'der/integer'],
    ['a boolean other than 00 and ff', '010101', 'der/boolean'],
    ['unused bits that are set', '03020101', 'der/bits'],
    ['more than seven unused bits', '03020800', 'der/bits'],
    ['unused bits of nothing', '030101', 'der/bits'],
    ['a NULL with content', '050100', 'der/null'],
    ['a padded arc', '06032a8001', 'der/oid'],
    ['an arc cut off', '06022a88', 'der/oid'],
    ['text that is not UTF-8', '0c01ff', 'der/text'],
    ['a tag number above 30', '1f8101', 'der/tag'],
    ['something after the end', '050000', 'der/trailing'],
    ['a cut content', '0402ff', 'der/truncated'],
  ])('refuses %s', (_, hex, code) => {
    expect(refusal(() => der.verifyDer(fromHex(hex)))).toBe(code);
  });

  test('refuses a SET OF out of order', () => {
    expect(refusal(() => new DerReader(fromHex('3106020102020101')).setOf())).toBe('der/set-order');
  });

  test('refuses days that no calendar has', () => {
    const time = (text: string): string =>
      refusal(() => new DerReader(der.element(0x18, new TextEncoder().encode(text))).generalizedTime());
    expect(time('20240229000000Z')).toBe('accepted');
    for (const text of ['20230229000000Z', '20240001000000Z', '20240101240000Z', '20240101000060Z']) {
      expect(time(text)).toBe('der/time');
    }
    // Months that would lead out of the years that four digits can write.
    for (const text of ['99991332235959Z', '99991232235959Z', '00000001000000Z', '00000100000000Z']) {
      expect(time(text)).toBe('der/time');
    }
    for (const text of ['202401010000Z', '20240101000000', '20240101000000.5Z', '20240101000000+0000']) {
      expect(time(text)).toBe('der/time');
    }
  });

  test('answers arbitrary bytes with a Fault or a value, and nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        refusal(() => der.verifyDer(bytes));
      }),
      { numRuns: 2000 },
    );
  });

  test('refuses nesting deeper than any certificate', () => {
    let nested = der.nullValue();
    for (let i = 0; i < 40; i++) nested = der.sequence(nested);
    expect(refusal(() => der.verifyDer(nested))).toBe('der/depth');
  });
});

describe('ECDSA signatures', () => {
  test('pass between raw and DER without loss', () => {
    const half = fc
      .uint8Array({ minLength: 32, maxLength: 32 })
      .filter((octets) => octets.some((octet) => octet !== 0));
    fc.assert(
      fc.property(half, half, (r, s) => {
        const written = der.ecdsaRawToDer(concat(r, s));
        der.verifyDer(written);
        expect(toHex(der.ecdsaDerToRaw(written, 32))).toBe(toHex(concat(r, s)));
      }),
    );
  });

  test('have no zero, negative or too wide integers', () => {
    expect(refusal(() => der.ecdsaRawToDer(new Uint8Array(64)))).toBe('der/ecdsa');
    expect(refusal(() => der.ecdsaDerToRaw(fromHex('3006020100020101'), 32))).toBe('der/ecdsa');
    expect(refusal(() => der.ecdsaDerToRaw(fromHex('30060201ff020101'), 32))).toBe('der/ecdsa');
    expect(refusal(() => der.ecdsaDerToRaw(fromHex('300702020100020101'), 1))).toBe('der/ecdsa');
  });
});
