/** The trees of both faces as whoever checks them needs to know them. */
import { parsePublicKey, verifySignature } from '#core/crypto';
import { v1LogId } from '#core/note';
import { fromBase64, toHex } from '#core/octets';
import { hostOf, type TrustMaterial } from '#instance';
import type { KnownTree, TreeRules } from '#tree';
import { noteChecker } from './note-format.js';
import { setPayload } from './v1/v1-answer.js';

/** Whether a signed entry timestamp is this log's; `offset` counts the entries of all older shards. */
export function promiseChecker(spki: Uint8Array, offset: bigint): TreeRules['verifyPromise'] {
  const key = parsePublicKey(spki);
  const logId = toHex(v1LogId(key));
  return ({ index, body, timestampMs }, signature) =>
    verifySignature(key, setPayload(body, timestampMs / 1000n, logId, offset + index), signature);
}

/** @param sizeOf how many leaves a tree has: entries of v1 are numbered through all shards */
export function logTrees({ rekorV1, rekorV2 }: TrustMaterial, sizeOf: (tree: string) => bigint): KnownTree[] {
  const trees: KnownTree[] = [];
  let offset = 0n;
  for (const { name: shard, url, origin, key } of [...rekorV1].sort(
    (a, b) => Date.parse(a.start) - Date.parse(b.start),
  )) {
    const name = `rekor-v1/${shard}`;
    const spki = fromBase64(key.spki);
    trees.push({
      name,
      signedBy: { origin, spki },
      rules: {
        verifyCheckpoint: noteChecker('v1', hostOf(url), origin, spki),
        verifyPromise: promiseChecker(spki, offset),
        searchable: true,
      },
    });
    offset += sizeOf(name);
  }
  for (const { name: shard, origin, key } of rekorV2) {
    const spki = fromBase64(key.spki);
    trees.push({
      name: `rekor-v2/${shard}`,
      signedBy: { origin, spki },
      rules: { verifyCheckpoint: noteChecker('v2', origin, origin, spki), searchable: true },
    });
  }
  return trees;
}
