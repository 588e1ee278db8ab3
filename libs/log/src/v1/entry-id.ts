/** How entries of Rekor v1 are called (CONTRACTS §3.5): 16 hex of the tree, then 64 hex of the leaf. */
import { Fault } from '#core/fault';
import { fromHex, toHex } from '#core/octets';

export interface EntryId {
  /** Absent in a bare UUID: every shard is meant. */
  readonly treeId?: bigint;
  readonly leafHash: Uint8Array;
}

export function formatEntryId(treeId: bigint, leafHash: Uint8Array): string {
  return treeId.toString(16).padStart(16, '0') + toHex(leafHash);
}

/** @throws {Fault} log/entry-id */
export function parseEntryId(text: string): EntryId {
  const [, tree, leaf] = /^([0-9a-f]{16})?([0-9a-f]{64})$/.exec(text.toLowerCase()) ?? [];
  if (leaf === undefined) {
    throw new Fault(
      'malformed',
      'log/entry-id',
      'an entry is named by 64 (UUID) or 80 (entry ID) hexadecimal digits',
    );
  }
  const leafHash = fromHex(leaf);
  return tree === undefined ? { leafHash } : { treeId: BigInt(`0x${tree}`), leafHash };
}
