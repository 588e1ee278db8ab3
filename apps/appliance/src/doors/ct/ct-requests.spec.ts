import { expect, test } from '@jest/globals';
import { fromUtf8 } from '#core/octets';
import { readChain } from './ct-requests.js';

test('a chain is texts of base64; whatever else stands in it is refused', () => {
  expect(readChain(fromUtf8('{"chain":["AA=="]}'))).toEqual([Uint8Array.of(0)]);
  for (const odd of ['{"":[""]}', '{"toString":5}', '5', 'null', '["AA=="]']) {
    expect(() => readChain(fromUtf8(`{"chain":[${odd}]}`))).toThrow(
      expect.objectContaining({ code: 'ct/request' }),
    );
  }
});
