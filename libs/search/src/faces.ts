/** The trees that a search is over: every shard of both faces of the log, as links and answers name them. */
import { toHex } from '#core/octets';
import { formatEntryId, type Face, type V1Log, type V2Log } from '#log';
import { tilePath, TILE_WIDTH, tileWidth } from '#core/tile';
import type { Tree } from '#tree';

export interface SearchedTree {
  readonly face: Face;
  readonly tree: Tree;
  /** Hex, as clients know the log. */
  readonly logId: string;
  /** Where it answers; a path where it shares the origin of the search. */
  readonly url: string;
  /** The number that clients of this face know the entry by. */
  logIndex(index: bigint): bigint;
  /** Rekor v1 only: 80 hexadecimal digits. */
  entryId(leafHash: Uint8Array): string | undefined;
  /** Where the entry can be read; of a v2 log, the bundle that holds it when the log has `size` leaves. */
  link(index: bigint, leafHash: Uint8Array, size: bigint): string;
}

/** Every tree, v1 before v2, oldest shard first: the order of answers. */
export function searchedTrees(
  v1: V1Log,
  v2: V2Log,
  urlOfHost: (host: string) => string,
): readonly SearchedTree[] {
  return [
    ...v1.shards.map(({ tree, treeId, logId, offset }): SearchedTree => ({
      face: 'v1',
      tree,
      logId,
      url: '/api/v1/log',
      logIndex: (index) => offset + index,
      entryId: (leafHash) => formatEntryId(treeId, leafHash),
      link: (_index, leafHash) => `/api/v1/log/entries/${formatEntryId(treeId, leafHash)}`,
    })),
    ...v2.shards.map(({ tree, host, keyId }): SearchedTree => {
      const url = urlOfHost(host);
      return {
        face: 'v2',
        tree,
        logId: toHex(keyId),
        url,
        logIndex: (index) => index,
        entryId: () => undefined,
        link: (index, _leafHash, size) => {
          const bundle = index / BigInt(TILE_WIDTH);
          return `${url}/api/v2/${tilePath('entries', bundle, tileWidth(0, bundle, size))}`;
        },
      };
    }),
  ];
}
