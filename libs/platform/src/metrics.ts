/**
 * Counters and timings for Prometheus.
 *
 * Names that boards of the upstream services know are kept (`http_requests_total`, `fulcio_new_certs` …);
 * our own are `airseal_<part>_<what>_<unit|total>`. Asking twice for one name gives the same metric, so a
 * class may ask in its constructor without knowing who asked before.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

export class Metrics {
  readonly #registry = new Registry();

  /** @param runtime whether to tell about the process itself as well */
  constructor(runtime = true) {
    if (runtime) collectDefaultMetrics({ register: this.#registry });
  }

  counter<L extends string = never>(name: string, help: string, labels: readonly L[] = []): Counter<L> {
    const known = this.#registry.getSingleMetric(name);
    if (known instanceof Counter) return known as Counter<L>;
    return new Counter({ name, help, labelNames: [...labels], registers: [this.#registry] });
  }

  gauge<L extends string = never>(name: string, help: string, labels: readonly L[] = []): Gauge<L> {
    const known = this.#registry.getSingleMetric(name);
    if (known instanceof Gauge) return known as Gauge<L>;
    return new Gauge({ name, help, labelNames: [...labels], registers: [this.#registry] });
  }

  /** A gauge that is read when somebody asks for it. */
  readGauge(name: string, help: string, read: () => number): void {
    if (this.#registry.getSingleMetric(name) !== undefined) return;
    new Gauge({
      name,
      help,
      registers: [this.#registry],
      collect() {
        this.set(read());
      },
    });
  }

  /** As `readGauge`, with one value per `label`. */
  readGauges<L extends string>(
    name: string,
    help: string,
    label: L,
    read: () => Iterable<readonly [string, number]>,
  ): void {
    if (this.#registry.getSingleMetric(name) !== undefined) return;
    new Gauge<string>({
      name,
      help,
      labelNames: [label],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const [of, value] of read()) this.set({ [label]: of }, value);
      },
    });
  }

  /** `buckets` in seconds, unless the name says otherwise. */
  histogram<L extends string = never>(
    name: string,
    help: string,
    labels: readonly L[] = [],
    buckets: readonly number[] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  ): Histogram<L> {
    const known = this.#registry.getSingleMetric(name);
    if (known instanceof Histogram) return known as Histogram<L>;
    return new Histogram({
      name,
      help,
      labelNames: [...labels],
      buckets: [...buckets],
      registers: [this.#registry],
    });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Everything in the text format of Prometheus. */
  format(): Promise<string> {
    return this.#registry.metrics();
  }
}
