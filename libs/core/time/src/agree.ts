/**
 * Which of several clocks tell the same time.
 *
 * Each clock gives an interval in which it says the true time lies. As in the selection of RFC 5905 §11.2.1, the
 * largest group of intervals with a point in common tells the time, and whoever is outside of it does not; here the
 * group must also be more than half of all that answered, and the only one of its size, since two clocks against two
 * say nothing. Intervals may miss each other by a tolerance: bounds are estimates, and honest clocks in different
 * houses differ by a little more than they think.
 */

/** Milliseconds on any axis that all clocks share. */
export interface TimeInterval {
  readonly name: string;
  readonly low: number;
  readonly high: number;
}

export interface Agreement {
  /** Middle of what the group has in common. */
  readonly at: number;
  /** The truth is at most this far from `at`, if the group is right. */
  readonly error: number;
}

export interface Verdict {
  /** Absent when no group is large enough. */
  readonly agreed?: Agreement;
  /** Names of the group; empty without an agreement. */
  readonly members: readonly string[];
  /** Names outside of the group; everybody's when there is none although enough answered to see that they differ. */
  readonly contradicting: readonly string[];
}

/**
 * @param minimum how many must agree, at least 1
 * @param tolerance by how much two intervals of a group may miss each other
 */
export function agree(all: readonly TimeInterval[], minimum: number, tolerance: number): Verdict {
  const sound = all.filter(({ low, high }) => Number.isFinite(low) && Number.isFinite(high) && low <= high);
  const groups = largestGroups(sound, tolerance / 2);
  const [group] = groups;
  const enough =
    group !== undefined && groups.length === 1 && group.length >= minimum && group.length * 2 > all.length;
  if (!enough) {
    const atOdds = groups.length > 1 || (group !== undefined && group.length < all.length);
    return { members: [], contradicting: atOdds ? all.map(nameOf) : [] };
  }
  const latestLow = Math.max(...group.map(({ low }) => low));
  const earliestHigh = Math.min(...group.map(({ high }) => high));
  return {
    agreed: { at: (latestLow + earliestHigh) / 2, error: Math.abs(earliestHigh - latestLow) / 2 },
    members: group.map(nameOf),
    contradicting: all.filter((one) => !group.includes(one)).map(nameOf),
  };
}

/** Every largest set of intervals that have a point in common once each is wider by `margin` on both sides. */
function largestGroups(all: readonly TimeInterval[], margin: number): (readonly TimeInterval[])[] {
  // Intervals that share a point share the beginning of one of them.
  const candidates = all.map(({ low: begins }) =>
    all.filter(({ low, high }) => low - margin <= begins - margin && begins - margin <= high + margin),
  );
  const largest = Math.max(0, ...candidates.map(({ length }) => length));
  const distinct = new Map<string, readonly TimeInterval[]>();
  for (const group of candidates) {
    if (group.length === largest && largest > 0)
      distinct.set(group.map((one) => all.indexOf(one)).join(' '), group);
  }
  return [...distinct.values()];
}

function nameOf({ name }: TimeInterval): string {
  return name;
}
