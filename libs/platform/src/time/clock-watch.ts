/**
 * Asks the sources in turn, lets the trust judge, and tells what changed.
 *
 * A look happens once before anything is opened, so that nothing is dated before the sources were heard; then as often as the
 * settings say. What changed while nobody listened is told to whoever listens first.
 */
import { Fault, isFault } from '#core/fault';
import type { ClockReport, ClockTrust } from '../clock-trust.js';
import type { Logger } from '../logging.js';
import { changesBetween, type ClockChange } from './clock-changes.js';
import type { Reading, TimeSource } from './time-source.js';

export interface ClockWatchParts {
  readonly trust: ClockTrust;
  readonly sources: readonly TimeSource[];
  readonly pollSeconds: number;
  readonly maximumJumpMs: number;
  readonly logger: Logger;
}

export type ChangeListener = (changes: readonly ClockChange[], report: ClockReport) => void;

export class ClockWatch {
  readonly trust: ClockTrust;
  readonly sources: readonly TimeSource[];
  readonly #parts: ClockWatchParts;
  readonly #untold: (readonly [readonly ClockChange[], ClockReport])[] = [];
  #last: ClockReport | undefined;
  #tell: ChangeListener | undefined;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;

  constructor(parts: ClockWatchParts) {
    this.#parts = parts;
    this.trust = parts.trust;
    this.sources = parts.sources;
  }

  /** Never rejects; whoever asks while a look is under way gets that one. */
  look(): Promise<void> {
    return (this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    }));
  }

  whenChanged(tell: ChangeListener): void {
    this.#tell = tell;
    for (const [changes, report] of this.#untold.splice(0)) tell(changes, report);
  }

  start(): void {
    this.#timer ??= setInterval(() => void this.look(), this.#parts.pollSeconds * 1000).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async #look(): Promise<void> {
    const { trust, sources, logger } = this.#parts;
    const answers = await Promise.all(
      sources.map(async (source): Promise<readonly [TimeSource, Reading | Fault]> => [
        source,
        await ask(source),
      ]),
    );
    // Two judgements: what the clock did by itself, and what the sources made of it.
    const meanwhile = trust.report();
    trust.observe(answers);
    const report = trust.report();
    const changes = [
      ...this.#jump(meanwhile),
      ...(this.#last === undefined ? [] : changesBetween(this.#last, meanwhile)),
      // Before the first look nobody was asked, which is no change.
      ...changesBetween(this.#last === undefined ? undefined : meanwhile, report),
    ];
    this.#last = report;
    if (changes.length === 0) return;
    if (changes.some(({ what }) => what === 'trusted' || what === 'untrusted')) {
      logger.warn(
        { standing: report.standing, reason: report.reason },
        'the standing of the clock has changed',
      );
    }
    if (this.#tell === undefined) this.#untold.push([changes, report]);
    else this.#tell(changes, report);
  }

  /** Between two looks nothing moves what the clock is compared with, so a difference is a step of the clock itself. */
  #jump({ jumpMs }: ClockReport): readonly ClockChange[] {
    const stepMs = jumpMs - (this.#last?.jumpMs ?? jumpMs);
    return Math.abs(stepMs) > this.#parts.maximumJumpMs ? [{ what: 'jumped', jumpMs: stepMs }] : [];
  }
}

async function ask(source: TimeSource): Promise<Reading | Fault> {
  try {
    return await source.read();
  } catch (error) {
    if (isFault(error)) return error;
    return new Fault('unavailable', 'time/defect', `the source ${source.name} failed; the log says why`, {
      cause: error,
    });
  }
}
