/**
 * What ptp4l (linuxptp) says about its clock, as `pmc` prints it: one heading per data set, then names and values.
 *
 * `master_offset` is the local clock less the master's, in nanoseconds; `ingress_time` is when the newest message of
 * the master came in, by the local clock. Only a port that follows a master tells a time.
 */
import { Fault } from '#core/fault';

export interface PmcReport {
  readonly masterOffsetMs: number;
  /** By the clock that ptp4l steers; milliseconds since 1970. */
  readonly ingressMs: number;
  readonly meanPathDelayMs: number;
  /** As it is printed: `00a069.fffe.0b552d`. */
  readonly grandmaster: string;
  readonly stepsRemoved: number;
}

/** @throws {Fault} time/ptp-no-answer, time/ptp-unsynchronised */
export function parsePmcReport(text: string): PmcReport {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, name, value] = /^\s+([A-Za-z_]+)\s+(\S+)\s*$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) values.set(name, value);
  }
  const number = (name: string): number => {
    const value = values.get(name);
    const read = value !== undefined && /^[+-]?\d+(\.\d+)?$/.test(value) ? Number(value) : Number.NaN;
    if (!Number.isFinite(read)) {
      throw new Fault(
        'unavailable',
        'time/ptp-no-answer',
        `pmc printed no ${name}; does ptp4l run, and may we ask it?`,
      );
    }
    return read;
  };
  const report: PmcReport = {
    masterOffsetMs: number('master_offset') / 1e6,
    ingressMs: number('ingress_time') / 1e6,
    meanPathDelayMs: number('meanPathDelay') / 1e6,
    grandmaster: values.get('gmIdentity') ?? '',
    stepsRemoved: number('stepsRemoved'),
  };
  if (values.get('gmPresent') !== 'true' || report.ingressMs === 0) {
    throw new Fault('unavailable', 'time/ptp-unsynchronised', 'ptp4l follows no master');
  }
  return report;
}
