/**
 * The ptp4l (linuxptp) of this host, asked through `pmc`.
 *
 * ptp4l answers on a Unix datagram socket, which Node.js does not open, so its own client asks: a program with fixed
 * words, no shell, an empty environment and a deadline. What ptp4l tells is the offset of the clock that *it* steers.
 * With software timestamping that is the clock of this machine; with hardware timestamping it is a clock on the network card
 * in international atomic time, 37 s from ours, which phc2sys carries over and nobody reports: such a clock comes in
 * through chronyd (`refclock PHC`), and is refused here by name.
 */
import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '#core/fault';
import { parsePmcReport } from '#core/time';
import type { Clock } from '../clock.js';
import { type Reading, rounded, type SteadyMs, type TimeSource } from './time-source.js';

const PATIENCE_MS = 3000;
/** Masters send several times a second; with that long a silence ptp4l would have left the master. */
const LONGEST_SILENCE_MS = 10_000;

export interface PtpParts {
  readonly name: string;
  readonly pmc: string;
  readonly socket: string;
  /** Where pmc may make its own end. */
  readonly runtimeDir: string;
  readonly clock: Clock;
  readonly steadyMs: SteadyMs;
}

export class PtpSource implements TimeSource {
  readonly kind = 'ptp';
  readonly name: string;
  readonly #parts: PtpParts;

  constructor(parts: PtpParts) {
    this.name = parts.name;
    this.#parts = parts;
  }

  async read(): Promise<Reading> {
    const { clock, steadyMs } = this.#parts;
    const report = parsePmcReport(await this.#ask());
    const heardMs = steadyMs();
    const nowMs = clock.nowMs();
    const silenceMs = nowMs - report.ingressMs;
    if (Math.abs(silenceMs) > LONGEST_SILENCE_MS) {
      throw new Fault(
        'refused',
        'time/ptp-other-clock',
        `the newest message of the PTP master came in ${rounded(silenceMs / 1000)} s ago by the clock that ptp4l steers: it is silent, ` +
          'or that clock is on the network card; give such a clock to chronyd (`refclock PHC`) and use kind: chrony',
      );
    }
    const { masterOffsetMs, meanPathDelayMs, grandmaster, stepsRemoved } = report;
    return {
      epochMs: nowMs - masterOffsetMs - heardMs,
      // The path may be all one way; a clock that is steered drifts little in the silence.
      errorMs: Math.abs(meanPathDelayMs) + Math.abs(masterOffsetMs) + 1,
      atSteadyMs: heardMs,
      facts: {
        grandmaster,
        stepsRemoved,
        meanPathDelayMs: rounded(meanPathDelayMs),
        silenceMs: rounded(silenceMs),
      },
    };
  }

  #ask(): Promise<string> {
    const { pmc, socket, runtimeDir } = this.#parts;
    const own = join(runtimeDir, `pmc.${process.pid}`);
    // A crash leaves the old end behind, and pmc does not replace it.
    rmSync(own, { force: true });
    const words = ['-u', '-b', '0', '-i', own, '-s', socket, 'GET TIME_STATUS_NP', 'GET CURRENT_DATA_SET'];
    return new Promise((resolve, reject) => {
      execFile(pmc, words, { env: {}, timeout: PATIENCE_MS, maxBuffer: 65_536 }, (cause, text) => {
        rmSync(own, { force: true });
        if (cause === null) return resolve(text);
        return reject(
          new Fault('unavailable', 'time/ptp-no-answer', `${pmc} could not ask ptp4l at ${socket}`, {
            cause,
          }),
        );
      });
    });
  }
}
