/**
 * The time, before anything is dated with it.
 *
 *   1. refuse  production whose time has one voice and that was not told to live with that
 *   2. floor   the latest time that this installation ever signed or stored: a restart does not forget it
 *   3. listen  every source is asked once, so that the first checkpoint of this process is not dated by a clock that
 *              nobody has heard of yet
 *
 * A floor that cannot be read ends the start, as any other question that the database does not answer.
 */
import type { Pool } from 'pg';
import {
  type Clock,
  ClockTrust,
  ClockWatch,
  isStandalone,
  type Logger,
  openPool,
  openSources,
  type Settings,
  steadyClock,
  type SteadyMs,
  systemClock,
} from '#platform';
import { newestStampMs } from '#tree';

/** The clocks of this machine; tests and rehearsals hand in their own. */
export interface MachineClocks {
  readonly clock: Clock;
  readonly steadyMs: SteadyMs;
}

const MACHINE: MachineClocks = { clock: systemClock, steadyMs: steadyClock };

/** @throws {Fault} clock/no-second-source, clock/ptp-hardware, database/… */
export async function openTime(
  settings: Settings,
  logger: Logger,
  { clock, steadyMs }: MachineClocks = MACHINE,
): Promise<ClockWatch> {
  const standalone = isStandalone(settings);
  const sources = standalone ? [] : openSources(settings, clock, steadyMs);
  const floorMs = await readFloor(settings, logger);
  const { pollSeconds, maximumJumpMs } = settings.clock;
  const trust = new ClockTrust({ settings: settings.clock, standalone, clock, steadyMs, floorMs });
  const watch = new ClockWatch({ trust, sources, pollSeconds, maximumJumpMs, logger });
  await watch.look();
  return watch;
}

async function readFloor(settings: Settings, logger: Logger): Promise<number | undefined> {
  const pool = openPool(settings.database, logger);
  try {
    return await floorOf(pool);
  } finally {
    await pool.end();
  }
}

/** The latest of all entries, tokens and checkpoints. */
export async function floorOf(pool: Pick<Pool, 'query'>): Promise<number | undefined> {
  return await newestStampMs(pool);
}
