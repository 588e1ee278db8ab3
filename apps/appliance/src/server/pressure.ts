/**
 * Under pressure the server says so at once instead of queueing.
 *
 * Requests under way are counted, and one too many is refused with a hint when to come back. Callers may
 * also be limited by address, when the settings ask for it. Health is never refused: an orchestrator that
 * gets no answer would end a process that is merely busy.
 */
import type { Clock, Settings } from '#platform';

export type Verdict = 'admitted' | 'busy' | 'too-often';

interface Bucket {
  tokens: number;
  atMs: number;
}

/** Callers remembered at once; beyond that, those who were quiet longest are forgotten. */
const MAX_CALLERS = 20_000;

export class Pressure {
  readonly #limits: Settings['limits'];
  readonly #clock: Clock;
  readonly #callers = new Map<string, Bucket>();
  #inFlight = 0;

  constructor(limits: Settings['limits'], clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Callers must call `leave` once for each `admitted`. */
  enter(caller: string): Verdict {
    if (this.#inFlight >= this.#limits.requestsInFlight) return 'busy';
    if (!this.#take(caller)) return 'too-often';
    this.#inFlight++;
    return 'admitted';
  }

  leave(): void {
    this.#inFlight--;
  }

  /** A bucket per caller that refills at the allowed rate and holds two seconds' worth. */
  #take(caller: string): boolean {
    const rate = this.#limits.requestsPerSecond;
    if (rate === undefined) return true;
    const nowMs = this.#clock.nowMs();
    const bucket = this.#callers.get(caller) ?? { tokens: 2 * rate, atMs: nowMs };
    const passedMs = Math.max(0, nowMs - bucket.atMs);
    bucket.tokens = Math.min(2 * rate, bucket.tokens + (passedMs * rate) / 1000);
    bucket.atMs = nowMs;
    // Deleting first keeps the map in order of the last visit.
    this.#callers.delete(caller);
    this.#callers.set(caller, bucket);
    if (this.#callers.size > MAX_CALLERS) {
      const [quietest] = this.#callers.keys();
      if (quietest !== undefined) this.#callers.delete(quietest);
    }
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }
}
