/**
 * The chronyd of this host, asked over its command port.
 *
 * Its own protocol over UDP on the loopback rather than `chronyc`: the port needs no rights for a question (the Unix
 * socket does, and Node.js opens no datagram sockets there), no program is started, nothing is parsed that was
 * written for people, and the protocol names its version in each answer.
 *
 * chronyd speaks about the clock of the machine, so that clock is read beside the answer.
 */
import { randomBytes } from 'node:crypto';
import { Fault } from '#core/fault';
import { chronyTrackingRequest, parseChronyTracking } from '#core/time';
import type { Clock } from '../clock.js';
import { askByDatagram } from './ask-by-datagram.js';
import { type Reading, rounded, type SteadyMs, type TimeSource } from './time-source.js';

/** chronyd tells of itself under this name where it follows nobody: `local` in its configuration. */
const OWN_CLOCK = '7f7f0101';

export class ChronySource implements TimeSource {
  readonly kind = 'chrony';
  readonly name: string;
  readonly #port: number;
  readonly #maximumAgeSeconds: number;
  readonly #clock: Clock;
  readonly #steadyMs: SteadyMs;

  constructor(name: string, port: number, maximumAgeSeconds: number, clock: Clock, steadyMs: SteadyMs) {
    this.name = name;
    this.#port = port;
    this.#maximumAgeSeconds = maximumAgeSeconds;
    this.#clock = clock;
    this.#steadyMs = steadyMs;
  }

  async read(): Promise<Reading> {
    const sequence = randomBytes(4).readUInt32BE();
    let askedMs = 0;
    const { tracking, nowMs, heardMs } = await askByDatagram({
      host: '127.0.0.1',
      port: this.#port,
      ask: () => {
        askedMs = this.#steadyMs();
        return chronyTrackingRequest(sequence);
      },
      read: (packet) => {
        const heardMs = this.#steadyMs();
        const nowMs = this.#clock.nowMs();
        return { heardMs, nowMs, tracking: parseChronyTracking(packet, sequence) };
      },
    });
    const { correctionMs, rootDelayMs, rootDispersionMs, referenceMs, referenceId, stratum, leap } = tracking;
    if (referenceId === OWN_CLOCK) {
      throw new Fault(
        'refused',
        'time/chrony-local',
        'chronyd follows nothing but the clock of this machine (`local`), which is no second voice',
      );
    }
    const ageSeconds = Math.round((nowMs - referenceMs) / 1000);
    if (Math.abs(ageSeconds) > this.#maximumAgeSeconds) {
      throw new Fault(
        'unavailable',
        'time/chrony-stale',
        `chronyd last measured its sources ${ageSeconds} s ago; at most ${this.#maximumAgeSeconds} s are allowed`,
      );
    }
    return {
      epochMs: nowMs + correctionMs - heardMs,
      errorMs: rootDelayMs / 2 + rootDispersionMs + (heardMs - askedMs) + 1,
      atSteadyMs: heardMs,
      facts: {
        stratum,
        leap,
        referenceId,
        ageSeconds,
        rootDistanceMs: rounded(rootDelayMs / 2 + rootDispersionMs),
      },
    };
  }
}
