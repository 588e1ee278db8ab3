import type { TreeHead } from '#core/merkle';

/**
 * What was signed before, as the signing side remembers it outside the database: in the journal of this host and
 * in the token itself. A database that knows less than either has been taken back, and its next signature would
 * be a fork.
 */
export interface SigningMemory {
  /**
   * Says which head the database has. Heads are signed only after `open` was answered, and asked for again by a
   * rejection with `hsm/head-unannounced`, or with `hsm/head-outgrown`: a larger one has been signed.
   */
  announce(head: TreeHead): Promise<{
    readonly journal?: TreeHead | undefined;
    readonly token?: TreeHead | undefined;
    readonly open: boolean;
  }>;
  /** Begins the journal of this host at a head that an operator vouches for. */
  adopt(head: TreeHead): Promise<void>;
}

/** What a tree answers that has leaves, on a host that never signed for it. */
export const NO_JOURNAL = 'tree/no-journal';
