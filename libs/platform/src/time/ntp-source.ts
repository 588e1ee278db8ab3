/**
 * A time server, asked by ourselves (RFC 5905 §8): one datagram out, one back.
 *
 * The offset is the middle between both ways, and can be wrong by half the round trip at most, whatever the network
 * does; that and the server's own distance from its root are the error bound. A server that sends a kiss of death is
 * left alone: for good after DENY and RSTR, and for longer each time after RATE (§7.4).
 */
import { randomBytes } from 'node:crypto';
import { Fault, isFault } from '#core/fault';
import { formatNtpRequest, parseNtpAnswer } from '#core/time';
import { systemClock } from '../clock.js';
import { askByDatagram } from './ask-by-datagram.js';
import { type Reading, rounded, type SteadyMs, type TimeSource } from './time-source.js';

const FIRST_REST_MS = 64_000;
const LONGEST_REST_MS = 3_600_000;

export class NtpSource implements TimeSource {
  readonly kind = 'ntp';
  readonly name: string;
  readonly #host: string;
  readonly #port: number;
  readonly #steadyMs: SteadyMs;
  #restUntilMs = Number.NEGATIVE_INFINITY;
  #restMs = FIRST_REST_MS;

  constructor(name: string, host: string, port: number, steadyMs: SteadyMs) {
    this.name = name;
    this.#host = host;
    this.#port = port;
    this.#steadyMs = steadyMs;
  }

  async read(): Promise<Reading> {
    if (this.#steadyMs() < this.#restUntilMs) {
      throw new Fault('unavailable', 'time/ntp-kiss', `${this.#host} has asked not to be asked`);
    }
    try {
      return await this.#ask();
    } catch (error) {
      if (isFault(error) && error.code === 'time/ntp-kiss') this.#rest(String(error.detail['kiss']));
      throw error;
    }
  }

  async #ask(): Promise<Reading> {
    const steadyMs = this.#steadyMs;
    const cookie = randomBytes(8);
    let askedMs = 0;
    const { answer, heardMs } = await askByDatagram({
      host: this.#host,
      port: this.#port,
      ask: () => {
        const packet = formatNtpRequest(cookie);
        askedMs = steadyMs();
        return packet;
      },
      read: (packet) => {
        const heardMs = steadyMs();
        return { heardMs, answer: parseNtpAnswer(packet, cookie, systemClock.nowMs()) };
      },
    });
    const { receivedMs, transmittedMs, rootDelayMs, rootDispersionMs, precisionMs } = answer;
    const delayMs = Math.max(0, heardMs - askedMs - (transmittedMs - receivedMs));
    return {
      epochMs: (receivedMs - askedMs + (transmittedMs - heardMs)) / 2,
      errorMs: delayMs / 2 + rootDelayMs / 2 + rootDispersionMs + precisionMs,
      atSteadyMs: heardMs,
      facts: {
        stratum: answer.stratum,
        leap: answer.leap,
        referenceId: answer.referenceId,
        delayMs: rounded(delayMs),
        rootDistanceMs: rounded(rootDelayMs / 2 + rootDispersionMs),
      },
    };
  }

  #rest(kiss: string): void {
    const forGood = kiss === 'DENY' || kiss === 'RSTR';
    this.#restUntilMs = forGood ? Number.POSITIVE_INFINITY : this.#steadyMs() + this.#restMs;
    this.#restMs = Math.min(LONGEST_REST_MS, this.#restMs * 2);
  }
}
