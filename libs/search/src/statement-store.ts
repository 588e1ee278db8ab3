/** Reads the statements that are kept beside the logs. */
import { fromHex } from '#core/octets';
import type { KeptAttachment } from '#tree';
import type { SearchedTree } from './faces.js';

export interface KeptStatement {
  readonly of: SearchedTree;
  readonly kept: KeptAttachment;
}

export class StatementStore {
  readonly #trees: readonly SearchedTree[];
  readonly #most: number;

  /** @param most how many entries one statement may be kept for */
  constructor(trees: readonly SearchedTree[], most: number) {
    this.#trees = trees;
    this.#most = most;
  }

  /** Every envelope under this name, one for each entry that was made of it, in the order of the trees. */
  async find(pae: string): Promise<readonly KeptStatement[]> {
    const found = await Promise.all(
      this.#trees.map(async (of) => {
        const { tree } = of;
        const kept = await tree.attachments.byDigest(fromHex(pae), tree.size, this.#most);
        return kept.map((one) => ({ of, kept: one }));
      }),
    );
    return found.flat();
  }
}
