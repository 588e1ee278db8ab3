/**
 * Signed entry timestamps on their way: how many are at the token at once, and when no more can be promised.
 *
 * A checkpoint is one signature for a whole batch; this is one signature for each entry, and so the one that a
 * slow token cannot keep up with. Who would wait for longer than a client does is turned away before the entry
 * is in the log, because afterwards there is only a conflict to answer a retry with.
 */
import { Fault } from '#core/fault';
import type { Signer } from '#hsm';

/** Clients give up after ten seconds and more; some of that belongs to everything else. */
const PATIENCE_MS = 5000;
/** Weight of the newest signature in the moving average. */
const NEWEST = 0.1;

export class EntryPromises {
  readonly #atOnce: number;
  readonly #turns: (() => void)[] = [];
  #signing = 0;
  /** Admitted, and not yet promised. */
  #owed = 0;
  #averageMs = 0;

  /** @param atOnce how many signatures may be at the token at once */
  constructor(atOnce: number) {
    if (atOnce < 1) throw new RangeError('a promise takes one signature at least');
    this.#atOnce = atOnce;
  }

  /**
   * Makes room for one promise; whoever is admitted calls what this returns when it is kept or broken.
   *
   * @throws {Fault} log/promises-overloaded
   */
  admit(): () => void {
    const waitMs = (this.#owed * this.#averageMs) / this.#atOnce;
    if (waitMs > PATIENCE_MS) {
      throw new Fault(
        'unavailable',
        'log/promises-overloaded',
        'the token cannot sign timestamps for more entries now; retry',
        { retryAfterSeconds: Math.ceil(waitMs / 1000) },
      );
    }
    this.#owed += 1;
    return () => {
      this.#owed -= 1;
    };
  }

  /** Signs when it is this one's turn. @throws {Fault} what the token says no to */
  async sign(signer: Signer, payload: Uint8Array): Promise<Uint8Array> {
    if (this.#signing < this.#atOnce) this.#signing += 1;
    // Whoever ends hands over the place, so the count stays.
    else await new Promise<void>((resolve) => this.#turns.push(resolve));
    const begun = performance.now();
    try {
      const signature = await signer.sign(payload);
      this.#averageMs += (performance.now() - begun - this.#averageMs) * NEWEST;
      return signature;
    } finally {
      const next = this.#turns.shift();
      if (next === undefined) this.#signing -= 1;
      else next();
    }
  }
}
