import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { equalOctets, toHex } from '#core/octets';
import {
  consistencyNodes,
  consistencyProof,
  Edge,
  emptyRoot,
  inclusionNodes,
  inclusionProof,
  leafHash,
  nodeHash,
  rootFromInclusion,
  rootNodes,
  rootOf,
  verifyConsistency,
  verifyInclusion,
  type NodeReader,
} from './index.js';

const LEAVES = 70;
const leaves = Array.from({ length: LEAVES }, (_, at) => leafHash(Uint8Array.of(at)));

/** RFC 6962 §2.1, word for word: the definition that everything here is measured by. */
function mth(some: readonly Uint8Array[]): Uint8Array {
  const [first] = some;
  if (first === undefined) return emptyRoot();
  if (some.length === 1) return first;
  const k = splitOf(some.length);
  return nodeHash(mth(some.slice(0, k)), mth(some.slice(k)));
}

function splitOf(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

/** RFC 6962 §2.1.1. */
function path(m: number, some: readonly Uint8Array[]): Uint8Array[] {
  if (some.length === 1) return [];
  const k = splitOf(some.length);
  return m < k
    ? [...path(m, some.slice(0, k)), mth(some.slice(k))]
    : [...path(m - k, some.slice(k)), mth(some.slice(0, k))];
}

/** RFC 6962 §2.1.2. */
function subproof(m: number, some: readonly Uint8Array[], whole: boolean): Uint8Array[] {
  if (m === some.length) return whole ? [] : [mth(some)];
  const k = splitOf(some.length);
  return m <= k
    ? [...subproof(m, some.slice(0, k), whole), mth(some.slice(k))]
    : [...subproof(m - k, some.slice(k), false), mth(some.slice(0, k))];
}

const stored = new Map<string, Uint8Array>();
const edges: Edge[] = [];
const grown = new Edge();
for (const leaf of leaves) {
  edges.push(grown.copy());
  grown.append(leaf, (level, index, hash) => stored.set(`${level}/${index}`, hash));
}
edges.push(grown.copy());

const read: NodeReader = (level, index) => {
  const hash = stored.get(`${level}/${index}`);
  if (hash === undefined) throw new Error(`no node ${index} at level ${level}`);
  return hash;
};
const hex = (hashes: readonly Uint8Array[]): string[] => hashes.map(toHex);
const headOf = (size: number): { size: bigint; root: Uint8Array } => ({
  size: BigInt(size),
  root: mth(leaves.slice(0, size)),
});

/** A reader that says what it was asked for. */
function recorder(): { read: NodeReader; asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    read: (level, index) => {
      asked.push(`${level}/${index}`);
      return read(level, index);
    },
  };
}
const named = (nodes: readonly { level: number; index: bigint }[]): string[] =>
  nodes.map(({ level, index }) => `${level}/${index}`);

describe('every tree up to 70 leaves', () => {
  test('has the root of the definition, from its edge and from stored nodes', () => {
    for (let size = 0; size <= LEAVES; size++) {
      const root = toHex(mth(leaves.slice(0, size)));
      expect(toHex(edges[size]?.root() ?? new Uint8Array())).toBe(root);
      const { read: reader, asked } = recorder();
      expect(toHex(rootOf(BigInt(size), reader))).toBe(root);
      expect(asked).toEqual(named(rootNodes(BigInt(size))));
      expect(hex(edges[size]?.hashes ?? [])).toEqual(
        rootNodes(BigInt(size)).map((n) => toHex(read(n.level, n.index))),
      );
    }
  });

  test('proves every leaf as the definition does, reading only the nodes it named', () => {
    for (let size = 1; size <= LEAVES; size++) {
      for (let at = 0; at < size; at++) {
        const { read: reader, asked } = recorder();
        const proof = inclusionProof(BigInt(at), BigInt(size), reader);
        expect(hex(proof)).toEqual(hex(path(at, leaves.slice(0, size))));
        expect(asked).toEqual(named(inclusionNodes(BigInt(at), BigInt(size))));
        verifyInclusion(leaves[at] ?? emptyRoot(), BigInt(at), proof, headOf(size));
      }
    }
  });

  test('continues every smaller one as the definition says', () => {
    for (let second = 0; second <= LEAVES; second++) {
      for (let first = 0; first <= second; first++) {
        const { read: reader, asked } = recorder();
        const proof = consistencyProof(BigInt(first), BigInt(second), reader);
        expect(hex(proof)).toEqual(first === 0 ? [] : hex(subproof(first, leaves.slice(0, second), true)));
        expect(asked).toEqual(named(consistencyNodes(BigInt(first), BigInt(second))));
        verifyConsistency(headOf(first), headOf(second), proof);
      }
    }
  });
});

const mismatch = expect.objectContaining({ code: 'merkle/proof-mismatch' });
const size = fc.integer({ min: 1, max: LEAVES });

describe('forgeries', () => {
  /** Changes a list of hashes in one of the ways in which a forger might. */
  const forgery = fc.oneof(
    fc.record({ kind: fc.constant('flip' as const), at: fc.nat(), bit: fc.nat(255) }),
    fc.record({ kind: fc.constant('drop' as const), at: fc.nat(), bit: fc.constant(0) }),
    fc.record({ kind: fc.constant('insert' as const), at: fc.nat(), bit: fc.nat(LEAVES - 1) }),
    fc.record({ kind: fc.constant('shorten' as const), at: fc.nat(), bit: fc.constant(0) }),
  );

  function forge(proof: readonly Uint8Array[], how: { kind: string; at: number; bit: number }): Uint8Array[] {
    const at = how.at % Math.max(proof.length, 1);
    const copy: Uint8Array[] = proof.map((hash) => Uint8Array.from(hash));
    const hash = copy[at];
    if (how.kind === 'insert' || hash === undefined)
      copy.splice(at, 0, leaves[how.bit % LEAVES] ?? emptyRoot());
    else if (how.kind === 'drop') copy.splice(at, 1);
    else if (how.kind === 'shorten') copy[at] = hash.subarray(1);
    else hash[how.bit >> 3] = (hash[how.bit >> 3] ?? 0) ^ (1 << (how.bit & 7));
    return copy;
  }

  test('no changed inclusion proof holds', () => {
    fc.assert(
      fc.property(size, fc.nat(), forgery, (count, nat, how) => {
        const at = nat % count;
        const proof = forge(inclusionProof(BigInt(at), BigInt(count), read), how);
        expect(() => verifyInclusion(leaves[at] ?? emptyRoot(), BigInt(at), proof, headOf(count))).toThrow(
          mismatch,
        );
      }),
      { numRuns: 2000 },
    );
  });

  test('no inclusion proof holds for another index, leaf or size', () => {
    fc.assert(
      fc.property(size, fc.nat(), fc.integer({ min: -2, max: LEAVES + 2 }), (count, nat, other) => {
        const at = nat % count;
        const proof = inclusionProof(BigInt(at), BigInt(count), read);
        const leaf = leaves[at] ?? emptyRoot();
        if (other !== at) {
          expect(() => verifyInclusion(leaf, BigInt(other), proof, headOf(count))).toThrow(mismatch);
          const stranger = leaves[(other + 2 * LEAVES) % LEAVES] ?? emptyRoot();
          if (!equalOctets(stranger, leaf)) {
            expect(() => verifyInclusion(stranger, BigInt(at), proof, headOf(count))).toThrow(mismatch);
          }
        }
        if (other !== count && other >= 0 && other <= LEAVES) {
          expect(() => verifyInclusion(leaf, BigInt(at), proof, headOf(other))).toThrow(mismatch);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('no changed consistency proof holds', () => {
    fc.assert(
      fc.property(size, fc.nat(), forgery, (second, nat, how) => {
        const first = (nat % second) + 1;
        const proof = forge(consistencyProof(BigInt(first), BigInt(second), read), how);
        expect(() => verifyConsistency(headOf(first), headOf(second), proof)).toThrow(mismatch);
      }),
      { numRuns: 2000 },
    );
  });

  test('no consistency proof holds for another root', () => {
    fc.assert(
      fc.property(size, fc.nat(), fc.boolean(), (second, nat, isFirst) => {
        const first = (nat % second) + 1;
        const proof = consistencyProof(BigInt(first), BigInt(second), read);
        const [a, b] = [headOf(first), headOf(second)];
        const other = { size: isFirst ? a.size : b.size, root: nodeHash(a.root, b.root) };
        expect(() =>
          isFirst ? verifyConsistency(other, b, proof) : verifyConsistency(a, other, proof),
        ).toThrow(mismatch);
      }),
    );
  });

  test('a proof ten thousand hashes long is refused at the root', () => {
    const proof = Array.from({ length: 10_000 }, () => emptyRoot());
    expect(() => rootFromInclusion(emptyRoot(), 0n, proof, 2n ** 62n)).toThrow(mismatch);
    expect(() =>
      verifyConsistency({ size: 3n, root: emptyRoot() }, { size: 7n, root: emptyRoot() }, proof),
    ).toThrow(mismatch);
  });
});

describe('asked for what there is not', () => {
  test('construction refuses', () => {
    for (const work of [
      () => inclusionNodes(7n, 7n),
      () => inclusionNodes(-1n, 7n),
      () => consistencyNodes(8n, 7n),
      () => consistencyNodes(-1n, 7n),
    ]) {
      expect(work).toThrow(expect.objectContaining({ code: 'merkle/out-of-range' }));
    }
  });

  test('an edge of the wrong length is corrupt', () => {
    expect(() => new Edge(3n, [emptyRoot()])).toThrow(expect.objectContaining({ kind: 'corrupt' }));
    expect(() => new Edge(1n, [Uint8Array.of(1)])).toThrow(expect.objectContaining({ kind: 'corrupt' }));
  });
});
