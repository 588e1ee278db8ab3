/**
 * The time, before anything is dated with it.
 *
 *   1. refuse  production whose time has one voice and that was not told to live with that
 *   2. floor   the latest time that this installation ever signed or stored, in the database or in this host's signing
 *              journals, which a restored database does not take back: a restart does not forget it
 *   3. listen  every source is asked once, so that the first checkpoint of this process is not dated by a clock that
 *              nobody has heard of yet
 *
 * A floor that cannot be read ends the start, as any other question that the database does not answer.
 */
import type { Pool } from 'pg';
import { journalDirectory, newestJournalMs } from '#hsm';
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

const DAY_MS = 86_400_000;
const MACHINE: MachineClocks = { clock: systemClock, steadyMs: steadyClock };

/** @throws {Fault} clock/no-second-source, clock/ptp-hardware, database/… */
export async function openTime(
  settings: Settings,
  logger: Logger,
  { clock, steadyMs }: MachineClocks = MACHINE,
): Promise<ClockWatch> {
  const standalone = isStandalone(settings);
  const sources = standalone ? [] : openSources(settings, clock, steadyMs);
  const floorMs = await readFloor(settings, clock.nowMs(), logger);
  const { pollSeconds, maximumJumpMs } = settings.clock;
  const trust = new ClockTrust({ settings: settings.clock, standalone, clock, steadyMs, floorMs });
  const watch = new ClockWatch({ trust, sources, pollSeconds, maximumJumpMs, logger });
  await watch.look();
  return watch;
}

async function readFloor(settings: Settings, nowMs: number, logger: Logger): Promise<number | undefined> {
  const pool = openPool(settings.database, logger);
  try {
    const storedMs = await floorOf(pool);
    const journalMs = await newestJournalMs(journalDirectory(settings));
    return floorWith(storedMs, journalMs, nowMs);
  } finally {
    await pool.end();
  }
}

/**
 * The floor, from what the database and the journals know. A journal is dated by the clock that its agent began with,
 * so one that is far beyond the database and the clock tells of a wrong clock and of nothing that was signed.
 */
export function floorWith(
  storedMs: number | undefined,
  journalMs: number | undefined,
  nowMs: number,
): number | undefined {
  const believable = journalMs !== undefined && journalMs <= Math.max(storedMs ?? 0, nowMs) + DAY_MS;
  if (!believable) return storedMs;
  return Math.max(storedMs ?? 0, journalMs);
}

/** The latest of all entries, tokens and checkpoints. */
export async function floorOf(pool: Pick<Pool, 'query'>): Promise<number | undefined> {
  return await newestStampMs(pool);
}
