/**
 * Reads the statements that are kept beside the logs.
 *
 * Anybody may ask, envelopes are large, and many entries may be made of one statement: so no question reads more than one
 * envelope, and questions wait their turn with the searches.
 */
import { equalOctets, fromHex } from '#core/octets';
import type { KeptAttachment, ListedAttachment } from '#tree';
import type { SearchedTree } from './faces.js';
import type { FewAtOnce } from './few-at-once.js';

export interface KeptStatement {
  readonly of: SearchedTree;
  readonly kept: KeptAttachment;
}

export interface ListedStatement {
  readonly of: SearchedTree;
  readonly listed: ListedAttachment;
}

/** Of which entry; the first one that it is kept for, as far as nothing is said. */
export interface WantedEntry {
  /** Name of the tree. */
  readonly tree?: string | undefined;
  readonly index?: bigint | undefined;
}

export class StatementStore {
  readonly #trees: readonly SearchedTree[];
  readonly #most: number;
  readonly #turns: FewAtOnce;

  /** @param most how many entries of each tree are listed */
  constructor(trees: readonly SearchedTree[], most: number, turns: FewAtOnce) {
    this.#trees = trees;
    this.#most = most;
    this.#turns = turns;
  }

  /** The envelope under this name. @throws {Fault} search/busy */
  find(pae: string, wanted: WantedEntry = {}): Promise<KeptStatement | undefined> {
    return this.#turns.run(() => this.#find(fromHex(pae), wanted));
  }

  /** Entries that envelopes under this name are kept for, in the order of the trees. @throws {Fault} search/busy */
  list(pae: string): Promise<readonly ListedStatement[]> {
    return this.#turns.run(async () => {
      const all = await Promise.all(
        this.#trees.map(async (of) => {
          const { tree } = of;
          const listed = await tree.attachments.list(fromHex(pae), tree.size, this.#most);
          return listed.map((one) => ({ of, listed: one }));
        }),
      );
      return all.flat();
    });
  }

  async #find(digest: Uint8Array, wanted: WantedEntry): Promise<KeptStatement | undefined> {
    for (const of of this.#trees) {
      const { name, size, attachments } = of.tree;
      if (wanted.tree !== undefined && wanted.tree !== name) continue;
      const { index } = wanted;
      const [kept] =
        index === undefined
          ? await attachments.byDigest(digest, size, 1)
          : await attachments.read(index < size ? [index] : []);
      if (kept !== undefined && equalOctets(kept.digest, digest)) return { of, kept };
    }
    return undefined;
  }
}
