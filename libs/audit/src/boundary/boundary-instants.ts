/** When boundary checkpoints are due: every full hour UTC; some of these hours also begin a day or a month. */
export type BoundaryKind = 'hour' | 'day' | 'month';

export const HOUR_MS = 3_600_000;

/** The newest boundary at or before `ms`. */
export function boundaryAt(ms: number): number {
  return Math.floor(ms / HOUR_MS) * HOUR_MS;
}

/** What ends at the boundary `dueMs`: an hour always, a day at 00:00 UTC, a month at 00:00 UTC of its successor's first. */
export function kindsOf(dueMs: number): readonly BoundaryKind[] {
  const due = new Date(dueMs);
  const day = due.getUTCHours() === 0;
  const month = day && due.getUTCDate() === 1;
  return ['hour', ...(day ? (['day'] as const) : []), ...(month ? (['month'] as const) : [])];
}

/** RFC 3339, whole seconds. */
export function instant(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
