/**
 * A few at a time, a short queue, and a *no* for everybody after it.
 *
 * Judging a password costs memory and a tenth of a second by design, so it must not be what brings an appliance down.
 */
import { Fault } from '#core/fault';

export class Turns {
  readonly #atOnce: number;
  readonly #queueLength: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(atOnce: number, queueLength: number) {
    this.#atOnce = atOnce;
    this.#queueLength = queueLength;
  }

  /** @throws {Fault} identity/busy */
  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#atOnce) {
      if (this.#waiting.length >= this.#queueLength) {
        throw new Fault(
          'unavailable',
          'identity/busy',
          'Too many people sign in at this moment. Try again.',
          {
            retryAfterSeconds: 2,
          },
        );
      }
      // Whoever leaves hands the place over, so it is never counted free in between.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#running += 1;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}
