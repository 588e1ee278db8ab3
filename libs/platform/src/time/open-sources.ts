/** From the settings to sources that can be asked. */
import { Fault } from '#core/fault';
import type { Clock } from '../clock.js';
import type { Settings } from '../settings.js';
import { ChronySource } from './chrony-source.js';
import { DeclaredSource } from './declared-source.js';
import { NtpSource } from './ntp-source.js';
import { PtpSource } from './ptp-source.js';
import type { SteadyMs, TimeSource } from './time-source.js';

type ClockSettings = Settings['clock'];

/** @throws {Fault} clock/ptp-hardware */
export function openSources(
  { clock: settings, runtimeDir }: Pick<Settings, 'clock' | 'runtimeDir'>,
  clock: Clock,
  steadyMs: SteadyMs,
): readonly TimeSource[] {
  return settings.sources.map((source) => openSource(source, settings, runtimeDir, clock, steadyMs));
}

function openSource(
  source: ClockSettings['sources'][number],
  settings: ClockSettings,
  runtimeDir: string,
  clock: Clock,
  steadyMs: SteadyMs,
): TimeSource {
  const { name } = source;
  switch (source.kind) {
    case 'ntp':
      return new NtpSource(name, source.host, source.port, steadyMs);
    case 'chrony':
      return new ChronySource(name, source.port, settings.maximumAgeSeconds, clock, steadyMs);
    case 'declared':
      return new DeclaredSource(name, settings.holdoverSeconds, steadyMs);
    case 'ptp':
      if (source.timestamping === 'hardware') {
        throw new Fault(
          'refused',
          'clock/ptp-hardware',
          `clock.sources ${name}: a PTP clock on the network card is not supported directly; ` +
            'give it to chronyd as `refclock PHC`, and list kind: chrony',
        );
      }
      return new PtpSource({ name, pmc: source.pmc, socket: source.socket, runtimeDir, clock, steadyMs });
  }
}

/**
 * Whether the time has one voice only. Production is asked to say so on purpose.
 *
 * @throws {Fault} clock/no-second-source
 */
export function isStandalone({ mode, clock }: Pick<Settings, 'mode' | 'clock'>): boolean {
  const { trust, sources, agree } = clock;
  if (trust === 'standalone') return true;
  if (sources.length >= agree) return false;
  if (mode === 'production' || sources.length > 0) {
    throw new Fault(
      'refused',
      'clock/no-second-source',
      `the settings list ${sources.length} of the ${agree} sources of time that must agree; ` +
        'list them under clock.sources, or set clock.trust: standalone to rely on the clock of this machine alone',
    );
  }
  return true;
}
