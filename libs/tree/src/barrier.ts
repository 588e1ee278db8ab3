/**
 * The points of a batch at which a crash has a different consequence. The engine stops at each one and asks; only
 * the crash tests ever answer.
 *
 *   locked      head row locked, edge verified: nothing written
 *   copied      everything written, nothing committed
 *   committed   the leaves are for ever; no checkpoint covers them yet
 *   signed      a signature exists that nobody has seen
 *   checkpoint  the checkpoint is stored; files are not yet written, nobody is answered
 *   published   files are written; nobody is answered
 */
export type Step = 'locked' | 'copied' | 'committed' | 'signed' | 'checkpoint' | 'published';

export type Barrier = (step: Step) => Promise<void> | void;
