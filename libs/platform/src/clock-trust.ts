/**
 * Whether the time may be put into a signature.
 *
 * Two independent watches. *Jumps*: the wall clock is compared with the steady one since the start; a
 * machine whose time was set while it ran is not believed until somebody restarts it on purpose.
 * *Synchronisation* (setting `clock.trust: file`): the time service touches a file whenever it has
 * synchronised, and that must not have been too long ago.
 */
import { statSync } from 'node:fs';
import { Fault } from '#core/fault';
import type { Clock } from './clock.js';
import type { Settings } from './settings.js';

export interface ClockState {
  readonly trusted: boolean;
  /** Why not; present exactly when not trusted. */
  readonly reason?: string;
  /** How far the wall clock has departed from steady time since the start. */
  readonly jumpMs: number;
}

/** Milliseconds that never jump, from any origin. */
export type SteadyMs = () => number;

export class ClockTrust {
  readonly #settings: Settings['clock'];
  readonly #clock: Clock;
  readonly #steadyMs: SteadyMs;
  readonly #originMs: number;

  constructor(settings: Settings['clock'], clock: Clock, steadyMs: SteadyMs = () => performance.now()) {
    this.#settings = settings;
    this.#clock = clock;
    this.#steadyMs = steadyMs;
    this.#originMs = clock.nowMs() - steadyMs();
  }

  state(): ClockState {
    const nowMs = this.#clock.nowMs();
    const jumpMs = Math.round(nowMs - this.#steadyMs() - this.#originMs);
    if (Math.abs(jumpMs) > this.#settings.maximumJumpMs) {
      return {
        trusted: false,
        reason: `the clock was moved by ${jumpMs} ms while the appliance ran; check it, then restart`,
        jumpMs,
      };
    }
    const stale = this.#stale(nowMs);
    return stale === undefined ? { trusted: true, jumpMs } : { trusted: false, reason: stale, jumpMs };
  }

  /** @throws {Fault} clock/untrusted */
  check(): void {
    const { reason } = this.state();
    if (reason !== undefined) throw new Fault('unavailable', 'clock/untrusted', reason);
  }

  #stale(nowMs: number): string | undefined {
    const { trust, file, maximumAgeSeconds } = this.#settings;
    if (trust !== 'file' || file === undefined) return undefined;
    let touchedMs: number;
    try {
      touchedMs = statSync(file).mtimeMs;
    } catch {
      return `${file}, which the time service touches, is not there; is the time service running?`;
    }
    const ageSeconds = Math.round((nowMs - touchedMs) / 1000);
    if (ageSeconds <= maximumAgeSeconds) return undefined;
    return `the clock was last synchronised ${ageSeconds} s ago; at most ${maximumAgeSeconds} s are allowed`;
  }
}
