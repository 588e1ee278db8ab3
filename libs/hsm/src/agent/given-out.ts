/**
 * What one process was given in the last seconds. If it dies without a word, some of that may be in no book: how much,
 * nobody knows, so all of it counts as adrift.
 */
import type { Use } from './count-uses.js';

/** Whoever got a signature has booked it, or given up, within this time. */
const BOOKED_WITHIN_MS = 5000;

export class GivenOut {
  readonly #now: () => number;
  #since: number;
  #recent = new Map<Use, number>();
  #before = new Map<Use, number>();

  constructor(now: () => number) {
    this.#now = now;
    this.#since = now();
  }

  note(use: Use): void {
    this.#turn();
    this.#recent.set(use, (this.#recent.get(use) ?? 0) + 1);
  }

  /** Signatures of the last five to ten seconds, by what they were a use of. */
  unsure(): ReadonlyMap<Use, number> {
    this.#turn();
    const all = new Map(this.#before);
    for (const [use, times] of this.#recent) all.set(use, times + (all.get(use) ?? 0));
    return all;
  }

  #turn(): void {
    const now = this.#now();
    const age = now - this.#since;
    if (age < BOOKED_WITHIN_MS) return;
    this.#before = age < 2 * BOOKED_WITHIN_MS ? this.#recent : new Map<Use, number>();
    this.#recent = new Map();
    this.#since = now;
  }
}
