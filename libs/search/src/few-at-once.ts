/**
 * How much of the database questions may have.
 *
 * Anybody may search, and one question may read a great many rows of the index, over the same connections through which
 * entries are logged. So a few are answered at once and some wait; who would be one more is told when to come again.
 */
import { Fault } from '#core/fault';

export class FewAtOnce {
  readonly #atOnce: number;
  readonly #mayWait: number;
  readonly #turns: (() => void)[] = [];
  #underWay = 0;

  constructor(atOnce: number, mayWait: number) {
    if (atOnce < 1) throw new RangeError('nothing would ever be answered');
    this.#atOnce = atOnce;
    this.#mayWait = mayWait;
  }

  /** Runs `work` when it is its turn. @throws {Fault} search/busy, and what `work` throws */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#underWay < this.#atOnce) this.#underWay += 1;
    else if (this.#turns.length >= this.#mayWait) {
      throw new Fault('unavailable', 'search/busy', 'too many searches are under way; retry', {
        retryAfterSeconds: 2,
      });
    }
    // Whoever ends hands over the place, so the count stays.
    else await new Promise<void>((resolve) => this.#turns.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#turns.shift();
      if (next === undefined) this.#underWay -= 1;
      else next();
    }
  }
}
