/** Chance that can be had again: the same seed, the same choices (mulberry32). */
export class Chance {
  #state;

  /** @param {number} seed */
  constructor(seed) {
    this.#state = seed >>> 0;
  }

  /** From 0 up to but not including 1. */
  next() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** @param {number} from @param {number} to not included */
  between(from, to) {
    return from + Math.floor(this.next() * (to - from));
  }

  /** @template T @param {readonly T[]} all @returns {T} */
  oneOf(all) {
    return /** @type {T} */ (all[this.between(0, all.length)]);
  }

  /** @template T @param {readonly T[]} all @returns {T[]} */
  shuffled(all) {
    const left = [...all];
    return all.map(() => /** @type {T} */ (left.splice(this.between(0, left.length), 1)[0]));
  }
}
