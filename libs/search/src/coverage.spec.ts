import { expect, test } from '@jest/globals';
import { ENVELOPE_FACET } from '#core/entry';
import type { Tree } from '#tree';
import { coverageOf } from './coverage.js';

test('a statement that is deposited between two counts makes no count negative', async () => {
  let [envelopes, held] = [3n, 3n];
  const count = (key: string): Promise<bigint> => {
    const counted = key === ENVELOPE_FACET ? envelopes : held;
    [envelopes, held] = [envelopes + 1n, held + 1n];
    return Promise.resolve(counted);
  };
  expect(await coverageOf({ index: { count } } as unknown as Tree, 10n)).toEqual({
    entries: 10n,
    envelopes: 4n,
    held: 3n,
    missing: 1n,
    unknown: 6n,
  });
});
