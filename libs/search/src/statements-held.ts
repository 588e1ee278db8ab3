/** How many statements are held and how many envelopes are not, for whoever watches: counted every minute. */
import type { Logger, Metrics } from '#platform';
import { coverageOf } from './coverage.js';
import type { SearchedTree } from './faces.js';

const PERIOD_MS = 60_000;

export class StatementsHeld {
  readonly #trees: readonly SearchedTree[];
  readonly #logger: Logger;
  readonly #held = new Map<string, number>();
  readonly #missing = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(trees: readonly SearchedTree[], metrics: Metrics, logger: Logger) {
    this.#trees = trees;
    this.#logger = logger;
    metrics.readGauges(
      'airseal_statements_held',
      'Log entries whose envelope is kept, by tree, as of the last minute',
      'tree',
      () => this.#held,
    );
    metrics.readGauges(
      'airseal_statements_missing',
      'Log entries made of an envelope that is not kept, by tree, as of the last minute',
      'tree',
      () => this.#missing,
    );
  }

  begin(): void {
    this.#count();
    this.#timer = setInterval(() => this.#count(), PERIOD_MS);
    this.#timer.unref();
  }

  end(): void {
    clearInterval(this.#timer);
  }

  #count(): void {
    for (const { tree } of this.#trees) {
      coverageOf(tree, tree.size)
        .then(({ held, missing }) => {
          this.#held.set(tree.name, Number(held));
          this.#missing.set(tree.name, Number(missing));
        })
        .catch((err: unknown) =>
          this.#logger.warn({ err, tree: tree.name }, 'statements could not be counted'),
        );
    }
  }
}
