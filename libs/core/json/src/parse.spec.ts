import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isFault } from '#core/fault';
import { canonicalJson, olpcJson, parseJson, type JsonValue } from './index.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (octets: Uint8Array): string => new TextDecoder().decode(octets);
const wellFormed = fc.string({ unit: 'grapheme' });
const { value } = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    wellFormed,
    fc.array(tie('value') as fc.Arbitrary<JsonValue>),
    fc.dictionary(fc.oneof(wellFormed, fc.constant('__proto__')), tie('value') as fc.Arbitrary<JsonValue>),
  ),
}));

describe('parseJson', () => {
  test('agrees with JSON.parse on everything that has one meaning', () => {
    fc.assert(
      fc.property(value, (one) => {
        expect(JSON.stringify(parseJson(bytes(JSON.stringify(one, null, 1))))).toBe(JSON.stringify(one));
      }),
    );
  });

  test('gives back what canonicalJson wrote, which is then the same again', () => {
    fc.assert(
      fc.property(value, (one) => {
        const canonical = canonicalJson(one);
        expect(text(canonicalJson(parseJson(canonical)))).toBe(text(canonical));
      }),
    );
  });

  test('refuses what JSON.parse refuses, and throws nothing but faults', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(), value, (noise, at, one) => {
        const whole = JSON.stringify(one);
        const changed =
          whole.slice(0, at % (whole.length + 1)) + noise + whole.slice(at % (whole.length + 1));
        let accepted = true;
        try {
          parseJson(bytes(changed));
        } catch (error) {
          expect(isFault(error)).toBe(true);
          accepted = false;
        }
        if (accepted) JSON.parse(changed);
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    ['nothing', ''],
    ['space alone', '  '],
    ['a repeated name', '{"a":1,"a":1}'],
    ['a name repeated through an escape', '{"a":1,"\\u0061":1}'],
    ['a value after the value', '1 1'],
    ['a trailing comma', '[1,]'],
    ['a trailing comma in an object', '{"a":1,}'],
    ['a missing colon', '{"a" 1}'],
    ['a name without quotes', '{a:1}'],
    ['single quotes', "'a'"],
    ['a comment', '1 // one'],
    ['a leading zero', '01'],
    ['a leading plus', '+1'],
    ['a bare point', '1.'],
    ['infinity by overflow', '1e999'],
    ['NaN', 'NaN'],
    ['a newline in a string', '"a\nb"'],
    ['an unclosed string', '"a'],
    ['an unknown escape', '"\\x41"'],
    ['a short escape', '"\\u41"'],
    ['half a surrogate pair', '"\\ud800"'],
    ['a surrogate pair the wrong way round', '"\\udc00\\ud800"'],
    ['a byte order mark', '\ufeff1'],
    ['65 arrays', '['.repeat(65) + ']'.repeat(65)],
    ['a cut-off word', 'tru'],
    ['a word in upper case', 'TRUE'],
    ['a no-break space', '\u00a01'],
  ])('refuses %s', (_what, input) => {
    expect(() => parseJson(bytes(input))).toThrow(expect.objectContaining({ code: 'json/malformed' }));
  });

  test.each([
    ['an overlong encoding', [0x22, 0xc0, 0xaf, 0x22]],
    ['a surrogate in UTF-8', [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ['a stray continuation', [0x22, 0x80, 0x22]],
  ])('refuses %s', (_what, octets) => {
    expect(() => parseJson(Uint8Array.from(octets))).toThrow(
      expect.objectContaining({ code: 'json/malformed' }),
    );
  });

  test('reads 64 arrays, pairs of escaped surrogates, and members called like those of every object', () => {
    expect(JSON.stringify(parseJson(bytes('['.repeat(64) + ']'.repeat(64))))).toHaveLength(128);
    expect(parseJson(bytes('"\\ud83d\\ude00"'))).toBe('😀');
    const object = parseJson(bytes('{"__proto__":1,"constructor":2,"toString":3}')) as Record<
      string,
      JsonValue
    >;
    expect(Object.entries(object)).toEqual([
      ['__proto__', 1],
      ['constructor', 2],
      ['toString', 3],
    ]);
    expect(Object.keys(parseJson(bytes('{}')) as object)).toEqual([]);
    expect('toString' in (parseJson(bytes('{}')) as object)).toBe(false);
  });

  test('keeps to the limits it is given', () => {
    expect(() => parseJson(bytes('[[1]]'), { maxDepth: 1 })).toThrow(
      expect.objectContaining({ code: 'json/malformed' }),
    );
    expect(() => parseJson(bytes('[1]'), { maxBytes: 2 })).toThrow(
      expect.objectContaining({ code: 'json/too-large' }),
    );
    expect(parseJson(bytes('[1, {"a": 2}]'), { maxValues: 4 })).toEqual([1, { a: 2 }]);
    expect(() => parseJson(bytes('[1, {"a": 2}]'), { maxValues: 3 })).toThrow(
      expect.objectContaining({ code: 'json/malformed' }),
    );
  });

  test('gives up early on a text made of nothing but small values', () => {
    const large = bytes(`[${'{},'.repeat(4_000_000)}1]`);
    const startedMs = performance.now();
    expect(() => parseJson(large)).toThrow(expect.objectContaining({ code: 'json/malformed' }));
    expect(performance.now() - startedMs).toBeLessThan(1500);
  });
});

describe('canonicalJson', () => {
  test('refuses nesting that would exhaust the stack, and so does olpcJson', () => {
    let deep: JsonValue = 0;
    for (let depth = 0; depth < 100_000; depth++) deep = depth % 2 === 0 ? [deep] : { a: deep };
    for (const write of [canonicalJson, olpcJson]) {
      expect(() => write(deep)).toThrow(expect.objectContaining({ code: 'json/no-canonical-form' }));
    }
  });

  test('refuses half a surrogate pair, in values and in names', () => {
    for (const one of ['\ud800', { '\udc00': 1 }]) {
      expect(() => canonicalJson(one)).toThrow(expect.objectContaining({ code: 'json/no-canonical-form' }));
    }
  });
});

describe('olpcJson', () => {
  test.each<[JsonValue, string]>([
    [{ b: [1, -2, 0], a: { d: true, c: null } }, '{"a":{"c":null,"d":true},"b":[1,-2,0]}'],
    ['quote " and backslash \\ only', '"quote \\" and backslash \\\\ only"'],
    ['tab\tand\nnewline', '"tab\tand\nnewline"'],
    [{ '\uffff': 1, '\u{10000}': 2 }, '{"\uffff":1,"\u{10000}":2}'],
    [-0, '0'],
  ])('%j', (input, output) => {
    expect(text(olpcJson(input))).toBe(output);
  });

  test('refuses fractions and numbers that a double cannot hold exactly', () => {
    for (const one of [1.5, 2 ** 53]) {
      expect(() => olpcJson(one)).toThrow(expect.objectContaining({ code: 'json/no-canonical-form' }));
    }
  });
});
