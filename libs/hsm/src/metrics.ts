/** What a monitoring system sees of the tokens, under the names that dashboards rely on. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { isFault } from '#core/fault';

export interface HsmMetrics {
  signed(key: string, seconds: number): void;
  failed(error: unknown): void;
}

const NAMES = {
  duration: 'airseal_hsm_sign_duration_seconds',
  sessions: 'airseal_hsm_sessions',
  errors: 'airseal_hsm_errors_total',
} as const;

/** `sessions` answers the open sessions by token; it must not start an agent. */
export function hsmMetrics(
  registry: Registry | undefined,
  sessions: () => Promise<ReadonlyMap<string, number>>,
): HsmMetrics {
  if (registry === undefined) return { signed: () => undefined, failed: () => undefined };
  const registers = [registry];
  for (const name of Object.values(NAMES)) registry.removeSingleMetric(name);
  const duration = new Histogram({
    name: NAMES.duration,
    help: 'Time from asking for a signature to having it verified, by key label.',
    labelNames: ['key'],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers,
  });
  const errors = new Counter({
    name: NAMES.errors,
    help: 'Requests that a token or its agent did not fulfil, by return code.',
    labelNames: ['ckr'],
    registers,
  });
  new Gauge({
    name: NAMES.sessions,
    help: 'Open PKCS#11 sessions of the agent, by token.',
    labelNames: ['token'],
    registers,
    async collect() {
      for (const [token, open] of await sessions()) this.set({ token }, open);
    },
  });
  return {
    signed: (key, seconds) => duration.observe({ key }, seconds),
    failed: (error) => {
      if (!isFault(error)) return;
      const ckr = error.detail['ckr'];
      errors.inc({ ckr: typeof ckr === 'string' ? ckr : error.code });
    },
  };
}
