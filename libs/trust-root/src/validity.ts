/**
 * How long the online roles of TUF live.
 *
 * Mirrors behind the gap get a new timestamp only when a courier comes, so a timestamp must outlive couriers
 * that do not come: it lives for four intervals and is signed again when two are left. The snapshot changes
 * only with the targets and lives for a year; the root bounds everything.
 */
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const COURIERS_OUTLIVED = 4;

export interface OnlineValidity {
  readonly snapshotMs: number;
  readonly timestampMs: number;
}

/** @param courierInterval as in `instance.yaml`: hours or days, `12h`, `7d` */
export function onlineValidity(courierInterval: string): OnlineValidity {
  const intervalMs =
    Number(courierInterval.slice(0, -1)) * (courierInterval.endsWith('d') ? DAY_MS : HOUR_MS);
  const timestampMs = Math.max(7 * DAY_MS, COURIERS_OUTLIVED * intervalMs);
  return { timestampMs, snapshotMs: Math.max(365 * DAY_MS, timestampMs) };
}
