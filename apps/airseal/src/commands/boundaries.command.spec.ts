import { describe, expect, test } from '@jest/globals';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { formatCheckpoint, signNote } from '#core/note';
import { toBase64 } from '#core/octets';
import { checkpointVerified, stampedAt } from './boundaries.command.js';

const origin = 'log.test/audit';
const root = new Uint8Array(32).fill(7);
const checkpoint = signNote(
  formatCheckpoint({ origin, size: 9n, root }),
  origin,
  new Uint8Array(4),
  new Uint8Array(64),
);
const boundary = {
  tree: 'audit/1',
  origin,
  due: '2026-11-22T08:00:00Z',
  kinds: ['hour'],
  made: '2026-11-22T08:00:01Z',
  size: '9',
  rootHash: toBase64(root),
  checkpoint,
  timestamp: toBase64(new Uint8Array([0x30, 0x03, 0x02, 0x01, 0x00])),
};
const nobody = TrustedRoot.fromJSON({});

describe('a boundary', () => {
  test('of a tree whose key nobody is told of is not called verified', () => {
    expect(checkpointVerified(nobody, boundary)).toBe(false);
    expect(checkpointVerified(nobody, { ...boundary, tree: 'ct/2026-1', checkpoint: '{}' })).toBe(false);
  });

  test.each([
    ['size', { size: '10' }],
    ['root', { rootHash: toBase64(new Uint8Array(32)) }],
    ['origin', { origin: 'log.test/other' }],
  ])('says the %s that was stamped, whoever signed it', (_what, other) => {
    expect(() => checkpointVerified(nobody, { ...boundary, ...other })).toThrow(
      expect.objectContaining({ code: 'cli/other-head' }),
    );
  });

  test.each(['', 'AAAA', boundary.timestamp, toBase64(new Uint8Array(20).fill(0x30))])(
    'with %j for a token was stamped by nobody, and is no defect',
    (timestamp) => {
      expect(() => stampedAt(nobody, { ...boundary, timestamp })).toThrow(
        expect.objectContaining({ kind: 'unverified', code: 'cli/boundary-token' }),
      );
    },
  );
});
