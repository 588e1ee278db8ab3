/** Inclusion and consistency proofs against the cases of transparency-dev/merkle. */
import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { emptyRoot, verifyConsistency, verifyInclusion } from '#core/merkle';
import { treeRoot } from '../journeys/merkle.js';
import { assertConsistent, GrowingTree, rootFromInclusion } from '../crash/rounds/merkle.mjs';

interface InclusionCase {
  readonly file: string;
  readonly leafIdx: number;
  readonly treeSize: number;
  readonly root: string | null;
  readonly leafHash: string | null;
  readonly proof: readonly string[] | null;
  readonly wantErr: boolean;
}

interface ConsistencyCase {
  readonly file: string;
  readonly size1: number;
  readonly size2: number;
  readonly root1: string | null;
  readonly root2: string | null;
  readonly proof: readonly string[] | null;
  readonly wantErr: boolean;
}

const path = new URL('../vectors/transparency-dev-merkle/cases.json', import.meta.url);
const cases = JSON.parse(readFileSync(path, 'utf8')) as {
  inclusion: InclusionCase[];
  consistency: ConsistencyCase[];
};

const octets = (text: string | null): Uint8Array => new Uint8Array(Buffer.from(text ?? '', 'base64'));

function verdict(work: () => void): boolean {
  try {
    work();
    return true;
  } catch (error) {
    expect(error).toMatchObject({ code: 'merkle/proof-mismatch', kind: 'unverified' });
    return false;
  }
}

describe('inclusion', () => {
  test.each(cases.inclusion.map((one) => [one.file, one] as const))('%s', (_file, one) => {
    const holds = verdict(() =>
      verifyInclusion(octets(one.leafHash), BigInt(one.leafIdx), (one.proof ?? []).map(octets), {
        size: BigInt(one.treeSize),
        root: octets(one.root),
      }),
    );
    expect(holds).toBe(!one.wantErr);
  });
});

describe('consistency', () => {
  test.each(cases.consistency.map((one) => [one.file, one] as const))('%s', (_file, one) => {
    const holds = verdict(() =>
      verifyConsistency(
        { size: BigInt(one.size1), root: octets(one.root1) },
        { size: BigInt(one.size2), root: octets(one.root2) },
        (one.proof ?? []).map(octets),
      ),
    );
    // One case uses a text for a root. We know SHA-256 roots only, and refuse it although the sizes agree.
    const areHashes = octets(one.root1).length === 32 && octets(one.root2).length === 32;
    expect(holds).toBe(!one.wantErr && areHashes);
  });
});

/** What the crash tests prove with is nothing of the product's; it has to be right all the same. */
describe('the verifier of the crash tests', () => {
  const buffer = (text: string | null): Buffer => Buffer.from(text ?? '', 'base64');
  const holds = (work: () => void): boolean => {
    try {
      work();
      return true;
    } catch {
      return false;
    }
  };

  test.each(cases.inclusion.map((one) => [one.file, one] as const))('%s', (_file, one) => {
    const proved = holds(() => {
      const root = rootFromInclusion(
        buffer(one.leafHash),
        one.leafIdx,
        one.treeSize,
        (one.proof ?? []).map(buffer),
      );
      expect(root.equals(buffer(one.root))).toBe(true);
    });
    expect(proved).toBe(!one.wantErr);
  });

  test.each(cases.consistency.map((one) => [one.file, one] as const))('%s', (_file, one) => {
    const proved = holds(() =>
      assertConsistent(
        { size: one.size1, root: buffer(one.root1) },
        { size: one.size2, root: buffer(one.root2) },
        (one.proof ?? []).map(buffer),
      ),
    );
    const areHashes = octets(one.root1).length === 32 && octets(one.root2).length === 32;
    // From nothing to something needs no proof, and is never asked for here.
    if (one.size1 > 0) expect(proved).toBe(!one.wantErr && areHashes);
    else expect(proved && one.wantErr).toBe(false);
  });

  test('a tree that grows has the root of every size', () => {
    const leaves = Array.from({ length: 70 }, (_, at) => Buffer.alloc(32, at + 1));
    const tree = new GrowingTree();
    expect(new Uint8Array(tree.root())).toEqual(emptyRoot());
    for (const [at, leaf] of leaves.entries()) {
      tree.append(leaf);
      expect(tree.root()).toEqual(treeRoot(leaves.slice(0, at + 1)));
    }
  });
});
