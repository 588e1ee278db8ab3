import type { Metrics } from '#platform';

/** What one tree tells Prometheus; every figure carries the tree's name. */
export class TreeMetrics {
  readonly #tree: string;
  readonly #leaves;
  readonly #duplicates;
  readonly #refused;
  readonly #batch;
  readonly #sign;
  readonly #size;
  readonly #published;
  readonly #signedAt;
  readonly #waiting;
  readonly #quarantined;
  readonly #readOnly;

  constructor(metrics: Metrics, tree: string) {
    this.#tree = tree;
    this.#leaves = metrics.counter('airseal_tree_leaves_total', 'Leaves appended by this replica', ['tree']);
    this.#duplicates = metrics.counter(
      'airseal_tree_duplicates_total',
      'Submissions that were there already',
      ['tree'],
    );
    this.#refused = metrics.counter('airseal_tree_overload_total', 'Submissions refused for want of room', [
      'tree',
    ]);
    this.#batch = metrics.histogram('airseal_tree_batch_seconds', 'Time from locking the head to COMMIT', [
      'tree',
    ]);
    this.#sign = metrics.histogram('airseal_tree_sign_seconds', 'Time to sign and check a checkpoint', [
      'tree',
    ]);
    this.#size = metrics.gauge('airseal_tree_size', 'Leaves committed, as this replica knows', ['tree']);
    this.#published = metrics.gauge('airseal_tree_published_size', 'Leaves under the published checkpoint', [
      'tree',
    ]);
    this.#signedAt = metrics.gauge(
      'airseal_tree_checkpoint_timestamp_seconds',
      'When the published checkpoint was signed',
      ['tree'],
    );
    this.#waiting = metrics.gauge('airseal_tree_waiting', 'Leaves waiting to be sequenced', ['tree']);
    this.#quarantined = metrics.gauge('airseal_tree_quarantined', '1 when the tree refuses to grow', [
      'tree',
    ]);
    this.#quarantined.set({ tree }, 0);
    this.#readOnly = metrics.gauge('airseal_tree_read_only', '1 with the reason when the tree signs nothing', [
      'tree',
      'code',
    ]);
  }

  batch(fresh: number, duplicates: number, seconds: number, size: bigint): void {
    const tree = this.#tree;
    this.#leaves.inc({ tree }, fresh);
    this.#duplicates.inc({ tree }, duplicates);
    this.#batch.observe({ tree }, seconds);
    this.#size.set({ tree }, Number(size));
  }

  overload(): void {
    this.#refused.inc({ tree: this.#tree });
  }

  waiting(count: number): void {
    this.#waiting.set({ tree: this.#tree }, count);
  }

  signed(seconds: number): void {
    this.#sign.observe({ tree: this.#tree }, seconds);
  }

  published(size: bigint, timestampMs: bigint): void {
    this.#published.set({ tree: this.#tree }, Number(size));
    this.#signedAt.set({ tree: this.#tree }, Number(timestampMs) / 1000);
  }

  quarantined(code: string): void {
    this.#quarantined.set({ tree: this.#tree }, 1);
    this.#readOnly.set({ tree: this.#tree, code }, 1);
  }

  released(code: string): void {
    this.#quarantined.set({ tree: this.#tree }, 0);
    this.#readOnly.set({ tree: this.#tree, code }, 0);
  }
}
