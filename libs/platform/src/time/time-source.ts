/**
 * Who can vouch for the time, behind one port.
 *
 * A source tells where the true time lies on this process's steady clock, never what the clock of the machine should
 * read: that clock may be set between the question and the use of the answer, and the steady one cannot.
 */

/** Milliseconds that never jump, from any origin. */
export type SteadyMs = () => number;

export const steadyClock: SteadyMs = () => performance.now();

export interface Reading {
  /** True time less steady time: milliseconds since 1970 at which the steady clock was 0. */
  readonly epochMs: number;
  /** The truth is within as much of `epochMs`, as the source believes, at `atSteadyMs`. */
  readonly errorMs: number;
  readonly atSteadyMs: number;
  /** What an auditor wants to know of it: stratum, reference, round trip. */
  readonly facts: Readonly<Record<string, string | number | boolean>>;
}

export interface TimeSource {
  readonly name: string;
  readonly kind: 'ntp' | 'chrony' | 'ptp' | 'declared';
  /** Resolves within seconds. @throws {Fault} time/… */
  read(): Promise<Reading>;
}

/** To microseconds. */
export function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
