/** A report about the clock as JSON: what operators are shown, records keep and audit events carry. */
import type { JsonObject } from '#core/json';
import type { ClockReport, SourceReport } from '#platform';

export function describeReport(report: ClockReport): JsonObject {
  const { standing, trusted, code, reason, offsetMs, errorMs, holdoverSeconds, floorMs, jumpMs } = report;
  return {
    standing,
    trusted,
    ...present({ code, reason, offsetMs, errorMs }),
    holdoverSeconds,
    jumpMs,
    machine: instant(report.machineMs),
    believed: instant(report.believedMs),
    ...(floorMs === undefined ? {} : { floor: instant(floorMs) }),
    sources: report.sources.map(describeSource),
  };
}

export function describeSource(source: SourceReport): JsonObject {
  const { name, kind, status, offsetMs, errorMs, ageSeconds, reason, facts } = source;
  return {
    name,
    kind,
    status,
    ...present({ offsetMs, errorMs, ageSeconds, reason, facts: facts && { ...facts } }),
  };
}

function present(members: Readonly<Record<string, string | number | JsonObject | undefined>>): JsonObject {
  return Object.fromEntries(
    Object.entries(members).filter(
      (member): member is [string, string | number | JsonObject] => member[1] !== undefined,
    ),
  );
}

/** A clock can be set further than dates reach. */
function instant(ms: number): string {
  return Math.abs(ms) < 8.64e15 ? new Date(ms).toISOString() : String(ms);
}
