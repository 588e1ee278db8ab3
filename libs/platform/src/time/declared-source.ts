/**
 * The time as two persons read it from clocks of their own.
 *
 * The first one declares, the second one, who must be another, confirms with a reading of their own, and the two must
 * meet within the accuracy that each claims. From then on the time runs on the steady clock, its error bound growing
 * with the drift budget, until the holdover is over or the process ends: a steady clock does not outlive its process.
 */
import { Fault } from '#core/fault';
import type { Reading, SteadyMs, TimeSource } from './time-source.js';

/** How long a declaration waits for a second person. */
const PATIENCE_MS = 900_000;

export interface Declaration {
  /** Who says so; distinct from every other person. */
  readonly person: string;
  /** What their clock showed when they said it, milliseconds since 1970. */
  readonly timeMs: number;
  /** How far it may have been off, in milliseconds. */
  readonly withinMs: number;
}

interface Declared extends Declaration {
  readonly epochMs: number;
  readonly atSteadyMs: number;
}

export class DeclaredSource implements TimeSource {
  readonly kind = 'declared';
  readonly name: string;
  readonly #holdoverMs: number;
  readonly #steadyMs: SteadyMs;
  #waiting: Declared | undefined;
  #held: { readonly reading: Reading; readonly persons: readonly [string, string] } | undefined;

  constructor(name: string, holdoverSeconds: number, steadyMs: SteadyMs) {
    this.name = name;
    this.#holdoverMs = holdoverSeconds * 1000;
    this.#steadyMs = steadyMs;
  }

  /** The first person's word; a later one takes the place of an earlier. */
  declare(declaration: Declaration): void {
    this.#waiting = this.#placed(declaration);
  }

  /**
   * The second person's word: from now on there is a time.
   *
   * @throws {Fault} clock/nothing-declared, clock/same-person, clock/declarations-differ
   */
  confirm(declaration: Declaration): Reading {
    const first = this.#waiting;
    if (first === undefined || this.#steadyMs() - first.atSteadyMs > PATIENCE_MS) {
      throw new Fault(
        'conflict',
        'clock/nothing-declared',
        'nobody has declared a time in the last quarter of an hour',
      );
    }
    if (first.person === declaration.person) {
      throw new Fault(
        'refused',
        'clock/same-person',
        'the time is confirmed by another person than the one who declared it',
      );
    }
    const second = this.#placed(declaration);
    const low = Math.max(first.epochMs - first.withinMs, second.epochMs - second.withinMs);
    const high = Math.min(first.epochMs + first.withinMs, second.epochMs + second.withinMs);
    this.#waiting = undefined;
    if (low > high) {
      throw new Fault(
        'refused',
        'clock/declarations-differ',
        `the two declarations miss each other by ${Math.round(low - high)} ms; compare the clocks, and begin again`,
      );
    }
    const reading: Reading = {
      epochMs: (low + high) / 2,
      errorMs: (high - low) / 2,
      // The bound of the older reading has had longer to grow.
      atSteadyMs: first.atSteadyMs,
      facts: { declaredBy: first.person, confirmedBy: second.person },
    };
    this.#held = { reading, persons: [first.person, second.person] };
    return reading;
  }

  read(): Promise<Reading> {
    const held = this.#held;
    if (held === undefined) {
      return Promise.reject(
        new Fault(
          'unavailable',
          'time/not-declared',
          'no time was declared and confirmed since this appliance started',
        ),
      );
    }
    if (this.#steadyMs() - held.reading.atSteadyMs > this.#holdoverMs) {
      return Promise.reject(
        new Fault(
          'unavailable',
          'time/declaration-over',
          'the declared time is older than clock.holdoverSeconds',
        ),
      );
    }
    return Promise.resolve(held.reading);
  }

  #placed(declaration: Declaration): Declared {
    const atSteadyMs = this.#steadyMs();
    return { ...declaration, epochMs: declaration.timeMs - atSteadyMs, atSteadyMs };
  }
}
