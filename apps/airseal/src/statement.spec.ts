import { expect, test } from '@jest/globals';
import { fromUtf8 } from '#core/octets';
import { formatStatement, verifyStatement } from './statement.js';

const artifact = fromUtf8('what is signed');
const type = 'https://example.com/predicate';

test('a statement about a file names its type', () => {
  expect(verifyStatement(formatStatement('a', artifact, type, {}), artifact, type)).toBe(type);
});

test.each(['', 'null', '[]', '5', '{"subject":[null]}', '{"subject":[{"digest":null}]}'])(
  '%j is no statement about it, and no defect',
  (payload) => {
    expect(() => verifyStatement(fromUtf8(payload), artifact, undefined)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^statement\//) }),
    );
  },
);
