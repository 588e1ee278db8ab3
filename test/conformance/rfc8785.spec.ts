/** JSON Canonicalization Scheme against the reference test data and the numbers of RFC 8785 Appendix B. */
import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { canonicalJson, parseJson } from '#core/json';

const path = new URL('../vectors/rfc8785/cases.json', import.meta.url);
const cases = JSON.parse(readFileSync(path, 'utf8')) as { name: string; input: string; outputHex: string }[];

test.each(cases.map((one) => [one.name, one] as const))('canonicalises %s', (_name, { input, outputHex }) => {
  const canonical = canonicalJson(parseJson(Buffer.from(input)));
  expect(Buffer.from(canonical).toString('hex')).toBe(outputHex);
  expect(Buffer.from(canonicalJson(parseJson(canonical))).toString('hex')).toBe(outputHex);
});

describe('numbers of Appendix B', () => {
  const numbers: readonly (readonly [string, string])[] = [
    ['0000000000000000', '0'],
    ['8000000000000000', '0'],
    ['0000000000000001', '5e-324'],
    ['8000000000000001', '-5e-324'],
    ['7fefffffffffffff', '1.7976931348623157e+308'],
    ['ffefffffffffffff', '-1.7976931348623157e+308'],
    ['4340000000000000', '9007199254740992'],
    ['c340000000000000', '-9007199254740992'],
    ['4430000000000000', '295147905179352830000'],
    ['44b52d02c7e14af5', '9.999999999999997e+22'],
    ['44b52d02c7e14af6', '1e+23'],
    ['44b52d02c7e14af7', '1.0000000000000001e+23'],
    ['444b1ae4d6e2ef4e', '999999999999999700000'],
    ['444b1ae4d6e2ef4f', '999999999999999900000'],
    ['444b1ae4d6e2ef50', '1e+21'],
    ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
    ['3eb0c6f7a0b5ed8d', '0.000001'],
    ['41b3de4355555553', '333333333.3333332'],
    ['41b3de4355555554', '333333333.33333325'],
    ['41b3de4355555555', '333333333.3333333'],
    ['41b3de4355555556', '333333333.3333334'],
    ['41b3de4355555557', '333333333.33333343'],
    ['becbf647612f3696', '-0.0000033333333333333333'],
    ['43143ff3c1cb0959', '1424953923781206.2'],
  ];
  test.each(numbers)('%s is %s', (bits, spelling) => {
    const value = Buffer.from(bits, 'hex').readDoubleBE();
    expect(Buffer.from(canonicalJson(value)).toString()).toBe(spelling);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY])('%s has no canonical form', (value) => {
    expect(() => canonicalJson(value)).toThrow(expect.objectContaining({ code: 'json/no-canonical-form' }));
  });
});
