/** Trees of more leaves than rows are worth making: what lies before is a frontier. */
import { describe, expect, test } from '@jest/globals';
import type { ClientBase } from 'pg';
import { Readable } from 'node:stream';
import { nodeHash } from '#core/merkle';
import type { LeavesChecked, TreeUnderCheck } from './check-leaves.js';
import { Derivation } from './derivation.js';
import { Findings, formatPlace, type Finding } from './finding.js';

const tree: TreeUnderCheck = { name: 'test/a', shard: 1, rules: { verifyCheckpoint: () => undefined } };
/** A database that has no rows: the header of a COPY, and its end. */
const empty = {
  query: () => Readable.from([Buffer.concat([Buffer.alloc(19), Buffer.from([0xff, 0xff])])]),
} as unknown as ClientBase;

const hash = (octet: number): Uint8Array => new Uint8Array(32).fill(octet);
const fold = (hashes: readonly Uint8Array[]) => hashes.reduceRight((right, left) => nodeHash(left, right));

function checked(start: bigint, end: bigint, more: Partial<LeavesChecked>): LeavesChecked {
  return {
    range: { start, end },
    tiles: new Uint8Array(),
    ragged: new Map(),
    heads: [],
    findings: { kept: [], counts: {} },
    keysMissing: 0,
    firstStampMs: undefined,
    lastStampMs: undefined,
    ...more,
  };
}

describe('case 57: a tree of', () => {
  // 65,535 full tiles: sixteen subtrees, from the largest to the smallest.
  const frontier = Array.from({ length: 16 }, (_, at) => hash(at + 1));
  const before = { next: 16_776_960n, frontier, lastStampMs: undefined };

  test('16,777,215 leaves ends within the tile before', async () => {
    const derivation = new Derivation(before);
    const ragged = new Map([[16_777_215n, hash(99)]]);
    const root = await derivation.take(empty, tree, checked(16_776_960n, 16_777_215n, { ragged }), [], new Findings());
    expect(root).toEqual(fold([...frontier, hash(99)]));
    expect(derivation.place).toEqual(before);
  });

  test('16,777,216 leaves is one subtree, and every level above has one hash more', async () => {
    const derivation = new Derivation(before);
    const findings = new Findings();
    const taken = checked(16_776_960n, 16_777_216n, { tiles: hash(99) });
    const root = await derivation.take(empty, tree, taken, [], findings);
    expect(root).toEqual(fold([...frontier, hash(99)]));
    expect(derivation.place).toMatchObject({ next: 16_777_216n, frontier: [root] });
    expect(findings.kept.map(formatPlace)).toEqual([
      'tile/missing: tile 1/255',
      'tile/missing: tile 2/0',
      'tile/missing: tile 3/0',
    ]);
  });

  test('16,777,217 leaves has one leaf beside it; a claim and a checkpoint of it are compared', async () => {
    const place = { next: 16_777_216n, frontier: [hash(1)], lastStampMs: undefined };
    const findings = new Findings();
    const size = 16_777_217n;
    const taken = checked(16_777_216n, size, {
      ragged: new Map([[size, hash(2)]]),
      heads: [
        { size, root: nodeHash(hash(1), hash(2)), signedMs: '1' },
        { size, root: hash(3), signedMs: '2' },
      ],
    });
    const claims = [
      { size, root: hash(4), by: 'the boundary of noon' },
      { size: 16_777_216n, root: hash(5), by: 'one of what lies before' },
    ];
    await new Derivation(place).take(empty, tree, taken, claims, findings);
    expect(findings.kept.map(formatPlace)).toEqual([
      'checkpoint/root: size 16777217, signed 2, column root',
      'claim/root: size 16777217, the boundary of noon',
    ]);
  });
});

test('ranges are taken in order, and whole', async () => {
  const take = (one: LeavesChecked) => new Derivation().take(empty, tree, one, [], new Findings());
  await expect(take(checked(256n, 512n, {}))).rejects.toThrow('does not come next');
  await expect(take(checked(0n, 256n, {}))).rejects.toThrow('not read to its end');
});

test('a log that is wrong everywhere is described by so many places of each kind, and counted', () => {
  const findings = new Findings();
  const finding = (index: number): Finding => ({
    what: 'leaf/missing',
    at: { index: `${index}` },
    expected: 'a',
    found: 'b',
  });
  for (let index = 0; index < 500; index++) findings.add(finding(index));
  findings.add(finding(0));
  expect([findings.kept.length, findings.total]).toEqual([200, 500]);
  const other = new Findings();
  other.take(findings.found);
  expect([other.kept.length, other.total]).toEqual([200, 500]);
});
