/** How old the newest boundary of each tree is, for boards, alarms and `/readyz`. */
import { Fault } from '#core/fault';
import type { Clock, Metrics, ProbeFacts } from '#platform';
import { HOUR_MS } from './boundary-instants.js';
import type { BoundaryState, BoundaryStore } from './boundary-store.js';
import type { BoundedTree } from './keep-boundaries.js';

/** A boundary is due every hour; this is when its absence is an alarm. */
const LATE_MS = 1.25 * HOUR_MS;

export interface WatchParts {
  readonly store: Pick<BoundaryStore, 'states'>;
  readonly trees: () => readonly BoundedTree[];
  readonly failures: () => ReadonlyMap<string, string>;
  readonly clock: Clock;
}

export class BoundaryWatch {
  readonly #parts: WatchParts;
  #states: readonly BoundaryState[] = [];

  constructor(parts: WatchParts, metrics: Metrics) {
    this.#parts = parts;
    metrics.readGauges(
      'airseal_boundary_checkpoint_age_seconds',
      'Age of the newest boundary checkpoint; one is due every hour',
      'tree',
      () => this.#each(({ newestMadeMs }) => (parts.clock.nowMs() - newestMadeMs) / 1000),
    );
    metrics.readGauges(
      'airseal_boundary_gaps',
      'Hours without a boundary checkpoint since the tree was born',
      'tree',
      () => this.#each(({ missed }) => missed),
    );
  }

  /** Reads what the database has now. */
  async look(): Promise<void> {
    this.#states = await this.#parts.store.states();
  }

  /** @throws {Fault} audit/boundary-late */
  probe(): ProbeFacts {
    const nowMs = this.#parts.clock.nowMs();
    const ages = this.#each(({ newestMadeMs }) => nowMs - newestMadeMs);
    const late = ages.filter(([, age]) => age > LATE_MS).map(([name]) => name);
    const reasons = [...this.#parts.failures()].map(([name, reason]) => `${name}: ${reason}`);
    if (late.length > 0 || reasons.length > 0) {
      const why = reasons.length === 0 ? `late: ${late.join(', ')}` : reasons.join('; ');
      throw new Fault('unavailable', 'audit/boundary-late', `boundary checkpoints are not made: ${why}`);
    }
    return {
      trees: ages.length,
      oldestSeconds: Math.round(Math.max(0, ...ages.map(([, age]) => age)) / 1000),
      missedHours: this.#each(({ missed }) => missed).reduce((sum, [, missed]) => sum + missed, 0),
    };
  }

  #each(value: (state: BoundaryState) => number): (readonly [string, number])[] {
    const names = new Map(this.#parts.trees().map(({ shard, name }) => [shard, name]));
    return this.#states.flatMap((state) => {
      const name = names.get(state.shard);
      return name === undefined ? [] : [[name, value(state)] as const];
    });
  }
}
