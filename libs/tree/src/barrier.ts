/**
 * The points of a batch at which a crash has a different consequence. The engine stops at each one and asks; only
 * the crash tests ever answer, which start the built appliance through an entry of their own (test/crash).
 *
 *   pooled      the leaf has been taken, no transaction has begun: whoever sent it must send it again
 *   locked      head row locked, edge verified: nothing written
 *   known       what is in the tree already has been looked up
 *   grown       tiles and root are computed, in memory only
 *   copied      everything written, nothing committed
 *   committed   the leaves are for ever; no checkpoint covers them yet
 *   signed      a signature exists that nobody has seen
 *   checkpoint  the checkpoint is stored; files are not yet written, nobody is answered
 *   aside       a tile is written beside its place, and not yet linked into it
 *   published   files are written; nobody is answered
 */
export type Step =
  | 'pooled'
  | 'locked'
  | 'known'
  | 'grown'
  | 'copied'
  | 'committed'
  | 'signed'
  | 'checkpoint'
  | 'aside'
  | 'published';

export type Barrier = (step: Step) => Promise<void> | void;
