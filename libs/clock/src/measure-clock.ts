/** The clock in numbers, for boards and alarms. */
import type { ClockStanding, ClockTrust, Metrics } from '#platform';

const STANDINGS: readonly ClockStanding[] = ['standalone', 'agreed', 'holdover', 'untrusted'];

export function measureClock(trust: ClockTrust, metrics: Metrics): void {
  metrics.readGauges(
    'airseal_clock_standing',
    'How the time stands: 1 for the standing that holds now',
    'standing',
    () => {
      const { standing } = trust.state();
      return STANDINGS.map((one) => [one, one === standing ? 1 : 0] as const);
    },
  );
  metrics.readGauge('airseal_clock_standalone', 'Whether the clock of the machine is the only voice', () =>
    trust.standalone ? 1 : 0,
  );
  metrics.readGauges(
    'airseal_clock_source_offset_seconds',
    'What each source says, less the clock of the machine',
    'source',
    () =>
      trust
        .report()
        .sources.flatMap(({ name, offsetMs }) =>
          offsetMs === undefined ? [] : [[name, offsetMs / 1000] as const],
        ),
  );
  metrics.readGauges('airseal_clock_source_up', 'Whether each source tells a time', 'source', () =>
    trust.report().sources.map(({ name, status }) => [name, status === 'lost' ? 0 : 1] as const),
  );
  metrics.readGauge(
    'airseal_clock_agreeing_sources',
    'How many sources agree',
    () => trust.report().sources.filter(({ status }) => status === 'agrees').length,
  );
  metrics.readGauge(
    'airseal_clock_offset_seconds',
    'Agreed time less the clock of the machine',
    () => (trust.report().offsetMs ?? 0) / 1000,
  );
  metrics.readGauge(
    'airseal_clock_error_bound_seconds',
    'How far the agreed time may be off, drift included',
    () => (trust.report().errorMs ?? 0) / 1000,
  );
  metrics.readGauge(
    'airseal_clock_holdover_seconds',
    'Since the sources last agreed; 0 while they do',
    () => trust.report().holdoverSeconds,
  );
}
