import { expect, test } from '@jest/globals';
import { Fault, type FaultKind } from '#core/fault';
import { exitCodeOf } from './exit.js';

test.each<[FaultKind, number]>([
  ['malformed', 20],
  ['unverified', 21],
  ['refused', 22],
  ['absent', 23],
  ['conflict', 24],
  ['unavailable', 25],
  ['corrupt', 26],
])('a fault of kind %s ends with %i', (kind, code) => {
  expect(exitCodeOf(new Fault(kind, 'any/thing', 'no'))).toBe(code);
});

test.each([
  ['bundle/no-signature', 10],
  ['bundle/other-signer', 12],
  ['bundle/no-certificate', 13],
])('%s ends as in cosign: %i', (code, exit) => {
  expect(exitCodeOf(new Fault('unverified', code, 'no'))).toBe(exit);
});
