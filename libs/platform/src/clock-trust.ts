/**
 * Whether the time may be put into a signature, and what time it is meanwhile.
 *
 * *Trusted* means: as many sources as the settings ask for agree, or did a short while ago (holdover: their time, carried on by
 * the steady clock, with an error bound that grows by the drift budget), and the clock of the machine is where they say. In
 * standalone operation there is no second voice; then the clock is trusted as long as it keeps pace with steady time.
 * In both, never while it reads less than what was already signed (the floor), nor when it starts far beyond that.
 *
 * *Believed* is what everything that cannot wait is dated with, entries of the logs above all: the clock of the machine while it can
 * be believed, else the last believed time carried on by the steady clock, and never less than the floor. A clock that is
 * set ten years ahead therefore moves nothing: what it reads is never believed, so it is in no entry, and the
 * floor does not rise to it. Before any source has agreed, time goes on from the floor, so it is too early rather than too late:
 * too early ends by itself.
 */
import { statSync } from 'node:fs';
import { Fault } from '#core/fault';
import { agree } from '#core/time';
import type { Clock } from './clock.js';
import type { Settings } from './settings.js';
import { type Reading, rounded, steadyClock, type SteadyMs, type TimeSource } from './time/time-source.js';

/** How the time stands, in one word. */
export type ClockStanding = 'standalone' | 'agreed' | 'holdover' | 'untrusted';

export interface ClockState {
  readonly trusted: boolean;
  readonly standing: ClockStanding;
  /** Why not; present exactly when not trusted. */
  readonly code?: string;
  readonly reason?: string;
  /** How far the wall clock has departed from steady time since it was last believed. */
  readonly jumpMs: number;
}

export interface SourceReport {
  readonly name: string;
  readonly kind: TimeSource['kind'];
  readonly status: 'agrees' | 'contradicts' | 'alone' | 'lost';
  /** What it says, less the clock of the machine. */
  readonly offsetMs?: number;
  readonly errorMs?: number;
  readonly ageSeconds?: number;
  readonly reason?: string;
  readonly facts?: Reading['facts'];
}

export interface ClockReport extends ClockState {
  /** What the clock of the machine reads, and what it is believed to be. */
  readonly machineMs: number;
  readonly believedMs: number;
  /** True time as agreed, less the clock of the machine; absent without an agreement. */
  readonly offsetMs?: number;
  /** The bound of it now, drift included. */
  readonly errorMs?: number;
  /** Since the last agreement; 0 while they agree. */
  readonly holdoverSeconds: number;
  /** Below this no time is signed; milliseconds since 1970. */
  readonly floorMs?: number;
  readonly sources: readonly SourceReport[];
}

export interface ClockTrustParts {
  readonly settings: Settings['clock'];
  readonly standalone: boolean;
  readonly clock: Clock;
  readonly steadyMs?: SteadyMs;
  /** The latest time that was signed or stored before, if anything was. */
  readonly floorMs?: number | undefined;
}

interface Heard {
  readonly source: Pick<TimeSource, 'name' | 'kind'>;
  readonly reading?: Reading;
  readonly fault?: Fault;
  readonly misses: number;
}

const DAY_MS = 86_400_000;
/** A lost datagram is no lost source. */
const PATIENCE = 3;
const SILENCE = new Set(['time/no-answer', 'time/unknown-host']);

export class ClockTrust {
  readonly standalone: boolean;
  readonly #settings: Settings['clock'];
  readonly #clock: Clock;
  readonly #steadyMs: SteadyMs;
  readonly #heard = new Map<string, Heard>();
  /** Believed time less steady time. */
  #originMs: number;
  #floorMs: number;
  #startDoubt: string | undefined;
  #agreed: { readonly epochMs: number; readonly errorMs: number; readonly atSteadyMs: number } | undefined;
  #agreeing: readonly string[] = [];
  #contradicting: readonly string[] = [];

  constructor({ settings, standalone, clock, steadyMs = steadyClock, floorMs }: ClockTrustParts) {
    this.#settings = settings;
    this.standalone = standalone;
    this.#clock = clock;
    this.#steadyMs = steadyMs;
    this.#floorMs = floorMs ?? Number.NEGATIVE_INFINITY;
    const nowMs = clock.nowMs();
    const awayMs = floorMs === undefined ? 0 : nowMs - floorMs;
    if (awayMs > settings.maximumAbsenceDays * DAY_MS) {
      this.#startDoubt =
        `the clock reads ${instant(nowMs)}, ${Math.round(awayMs / DAY_MS)} days after the newest entry; if that is right, ` +
        'raise clock.maximumAbsenceDays for one start';
    }
    const unknown = !standalone || this.#startDoubt !== undefined;
    this.#originMs = (unknown ? (floorMs ?? nowMs) : nowMs) - steadyMs();
  }

  state(): ClockState {
    const nowMs = this.#clock.nowMs();
    const steadyMs = this.#steadyMs();
    const jumpMs = Math.round(nowMs - steadyMs - this.#originMs);
    const doubt = this.#doubt(nowMs, steadyMs, jumpMs);
    if (doubt !== undefined) return { trusted: false, standing: 'untrusted', ...doubt, jumpMs };
    const standing = this.standalone ? 'standalone' : this.#agreeing.length > 0 ? 'agreed' : 'holdover';
    return { trusted: true, standing, jumpMs };
  }

  /** @throws {Fault} clock/… */
  check(): void {
    const { code, reason } = this.state();
    if (code !== undefined && reason !== undefined)
      throw new Fault('unavailable', code, reason, { retryAfterSeconds: this.#settings.pollSeconds });
  }

  /** The time to date things with that cannot wait: see above. Milliseconds since 1970, whole. */
  believedMs(): number {
    const nowMs = this.#clock.nowMs();
    const steadyMs = this.#steadyMs();
    const evenMs = this.#originMs + steadyMs;
    const kept = Math.abs(nowMs - evenMs) <= this.#settings.maximumJumpMs && this.#startDoubt === undefined;
    const known =
      this.standalone || Math.abs(this.#offsetMs(nowMs, steadyMs)) <= this.#settings.maximumOffsetMs;
    return Math.floor(Math.max(this.#floorMs, kept && known ? nowMs : evenMs));
  }

  /** Something was signed or stored under this time: nothing that comes later is earlier. */
  raiseFloor(ms: number): void {
    this.#floorMs = Math.max(this.#floorMs, ms);
  }

  /** Takes in what each source answered just now, and judges anew. */
  observe(answers: readonly (readonly [Pick<TimeSource, 'name' | 'kind'>, Reading | Fault])[]): void {
    for (const [source, answer] of answers) {
      if (answer instanceof Fault) {
        const before = this.#heard.get(source.name);
        const misses = SILENCE.has(answer.code) ? (before?.misses ?? PATIENCE - 1) + 1 : PATIENCE;
        const reading = misses < PATIENCE ? before?.reading : undefined;
        this.#heard.set(source.name, {
          source,
          fault: answer,
          misses,
          ...(reading === undefined ? {} : { reading }),
        });
      } else this.#heard.set(source.name, { source, reading: answer, misses: 0 });
    }
    this.#judge();
  }

  report(): ClockReport {
    const nowMs = this.#clock.nowMs();
    const steadyMs = this.#steadyMs();
    const agreed = this.#agreed;
    const sinceMs = agreed === undefined ? 0 : steadyMs - agreed.atSteadyMs;
    return {
      ...this.state(),
      machineMs: nowMs,
      believedMs: this.believedMs(),
      ...(agreed === undefined
        ? {}
        : {
            offsetMs: rounded(this.#offsetMs(nowMs, steadyMs)),
            errorMs: rounded(this.#errorMs(agreed, steadyMs)),
          }),
      holdoverSeconds: this.#agreeing.length > 0 ? 0 : Math.round(sinceMs / 1000),
      ...(Number.isFinite(this.#floorMs) ? { floorMs: this.#floorMs } : {}),
      sources: [...this.#heard.values()].map((heard) => this.#reportOf(heard, nowMs, steadyMs)),
    };
  }

  #judge(): void {
    const { agree: minimum, maximumOffsetMs, maximumErrorMs } = this.#settings;
    const steadyMs = this.#steadyMs();
    const intervals = [...this.#heard.values()].flatMap(({ source: { name }, reading }) => {
      if (reading === undefined) return [];
      const error = this.#errorMs(reading, steadyMs);
      return [{ name, low: reading.epochMs - error, high: reading.epochMs + error }];
    });
    const { agreed, members, contradicting } = agree(intervals, minimum, maximumOffsetMs);
    const good = agreed !== undefined && agreed.error <= maximumErrorMs;
    this.#agreeing = good ? members : [];
    this.#contradicting = contradicting;
    if (!good) return;
    this.#agreed = { epochMs: agreed.at, errorMs: agreed.error, atSteadyMs: steadyMs };
    this.#startDoubt = undefined;
    const nowMs = this.#clock.nowMs();
    const right = Math.abs(this.#offsetMs(nowMs, steadyMs)) <= maximumOffsetMs;
    this.#originMs = right ? nowMs - steadyMs : agreed.at;
  }

  #doubt(nowMs: number, steadyMs: number, jumpMs: number): { code: string; reason: string } | undefined {
    const {
      maximumJumpMs,
      maximumOffsetMs,
      maximumErrorMs,
      holdoverSeconds,
      agree: minimum,
    } = this.#settings;
    if (this.#startDoubt !== undefined) return { code: 'clock/after-absence', reason: this.#startDoubt };
    if (nowMs < this.#floorMs - maximumJumpMs) {
      return {
        code: 'clock/below-floor',
        reason: `the clock reads ${instant(nowMs)}, before what was already signed (${instant(this.#floorMs)}); set it right, or wait until it has caught up`,
      };
    }
    const agreed = this.#agreed;
    if (!this.standalone && agreed === undefined) {
      return {
        code: 'clock/no-agreement',
        reason: `no ${minimum} sources have agreed on the time since the start`,
      };
    }
    if (Math.abs(jumpMs) > maximumJumpMs && (this.standalone || this.#agreeing.length === 0)) {
      return {
        code: 'clock/jumped',
        reason: `the clock was moved by ${jumpMs} ms while the appliance ran; check it, then ${this.standalone ? 'restart' : 'see to the sources'}`,
      };
    }
    if (agreed !== undefined) {
      const offsetMs = this.#offsetMs(nowMs, steadyMs);
      if (Math.abs(offsetMs) > maximumOffsetMs) {
        return {
          code: 'clock/off',
          reason: `the clock of this machine is ${Math.round(-offsetMs)} ms from the time that the sources agree on; at most ${maximumOffsetMs} ms are allowed`,
        };
      }
      const errorMs = this.#errorMs(agreed, steadyMs);
      const sinceSeconds = Math.round((steadyMs - agreed.atSteadyMs) / 1000);
      if (sinceSeconds > holdoverSeconds || errorMs > maximumErrorMs) {
        return {
          code: 'clock/holdover-over',
          reason: `the last agreement on the time was ${sinceSeconds} s ago and may be off by ${Math.ceil(errorMs)} ms by now; see to the sources`,
        };
      }
    }
    const stale = this.#stale(nowMs);
    return stale === undefined ? undefined : { code: 'clock/stale', reason: stale };
  }

  /** True time as agreed, less the clock of the machine; infinite where there is none. */
  #offsetMs(nowMs: number, steadyMs: number): number {
    return this.#agreed === undefined ? Number.POSITIVE_INFINITY : this.#agreed.epochMs + steadyMs - nowMs;
  }

  #errorMs({ errorMs, atSteadyMs }: { errorMs: number; atSteadyMs: number }, steadyMs: number): number {
    return errorMs + (Math.max(0, steadyMs - atSteadyMs) * this.#settings.driftPpm) / 1e6;
  }

  #reportOf({ source, reading, fault }: Heard, nowMs: number, steadyMs: number): SourceReport {
    const { name, kind } = source;
    const reason = fault === undefined ? {} : { reason: fault.message };
    if (reading === undefined) return { name, kind, status: 'lost', ...reason };
    return {
      name,
      kind,
      status: this.#agreeing.includes(name)
        ? 'agrees'
        : this.#contradicting.includes(name)
          ? 'contradicts'
          : 'alone',
      offsetMs: rounded(reading.epochMs + steadyMs - nowMs),
      errorMs: rounded(this.#errorMs(reading, steadyMs)),
      ageSeconds: Math.round((steadyMs - reading.atSteadyMs) / 1000),
      ...reason,
      facts: reading.facts,
    };
  }

  #stale(nowMs: number): string | undefined {
    const { file, maximumAgeSeconds } = this.#settings;
    if (file === undefined) return undefined;
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

function instant(ms: number): string {
  return Number.isFinite(ms) && Math.abs(ms) < 8.64e15 ? new Date(ms).toISOString() : String(ms);
}
