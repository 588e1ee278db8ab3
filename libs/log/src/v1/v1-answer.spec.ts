import { expect, test } from '@jest/globals';
import { fromUtf8 } from '#core/octets';
import { jsonNumber, setPayload } from './v1-answer.js';

const LARGEST = 2n ** 53n - 1n;

test('case 57: a number is said exactly or not at all', () => {
  expect(jsonNumber(LARGEST)).toBe(9_007_199_254_740_991);
  for (const number of [LARGEST + 1n, LARGEST + 2n, 2n ** 63n])
    expect(() => jsonNumber(number)).toThrow(expect.objectContaining({ code: 'log/beyond-json' }));
});

test('case 57: no signed entry timestamp is made over another index than the entry has', () => {
  const payload = setPayload(fromUtf8('body'), 1n, 'id', LARGEST);
  expect(Buffer.from(payload).toString()).toContain('"logIndex":9007199254740991}');
  expect(() => setPayload(fromUtf8('body'), 1n, 'id', LARGEST + 2n)).toThrow(/ends? at 2\^53/);
});
