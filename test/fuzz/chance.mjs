/**
 * Chance that can be had again: the input number `n` of a parser follows from the seed, the parser's name and `n`
 * alone, so that one line names it and no run has to be repeated up to it.
 */

/** Small and fast (sfc32), and good enough: nobody has to be unable to guess it. */
export class Chance {
  #a;
  #b;
  #c;
  #d = 1;

  /** @param {string} seed @param {number} [number] */
  constructor(seed, number = 0) {
    // FNV-1a with three starts; the rounds below mix the rest.
    const word = (start) => {
      let hash = start ^ number;
      for (let at = 0; at < seed.length; at++) hash = Math.imul(hash ^ seed.charCodeAt(at), 0x01000193);
      return hash | 0;
    };
    this.#a = word(0x811c9dc5);
    this.#b = word(0x6c62272e) ^ number;
    this.#c = word(0x07bb0142);
    for (let round = 0; round < 15; round++) this.#next();
  }

  #next() {
    const sum = (((this.#a + this.#b) | 0) + this.#d) | 0;
    this.#d = (this.#d + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** A whole number from 0 to `bound - 1`; 0 where there is nothing to choose from. */
  below(bound) {
    return bound <= 1 ? 0 : this.#next() % bound;
  }

  /** True once in `times`. */
  once(times) {
    return this.#next() % times === 0;
  }

  /** @template T @param {readonly T[]} list @returns {T} */
  of(list) {
    return list[this.below(list.length)];
  }

  /** Mostly short, sometimes up to `longest`. */
  length(longest) {
    return this.below(1 + this.below(this.once(8) ? longest : Math.min(longest, 16)));
  }

  octets(length) {
    return Uint8Array.from({ length }, () => this.below(256));
  }
}
