/** What a monitoring system sees of the tokens, under the names that dashboards rely on. */
import { isFault } from '#core/fault';
import type { Metrics } from '#platform';

export interface HsmMetrics {
  signed(key: string, seconds: number): void;
  failed(error: unknown): void;
  sessions(token: string, open: number): void;
  uses(key: string, purpose: string, counted: number): void;
}

export const UNMETERED: HsmMetrics = {
  signed: () => undefined,
  failed: () => undefined,
  sessions: () => undefined,
  uses: () => undefined,
};

/** A signature in software takes a tenth of a millisecond; one over a network some tens. */
const BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

export function hsmMetrics(metrics: Metrics): HsmMetrics {
  const duration = metrics.histogram(
    'airseal_hsm_sign_duration_seconds',
    'Time from asking for a signature to having it verified, by key label.',
    ['key'],
    BUCKETS,
  );
  const errors = metrics.counter(
    'airseal_hsm_errors_total',
    'Requests that a token or its agent did not fulfil, by return code.',
    ['ckr'],
  );
  const sessions = metrics.gauge('airseal_hsm_sessions', 'Open PKCS#11 sessions of the agent, by token.', [
    'token',
  ]);
  const uses = metrics.gauge(
    'airseal_hsm_key_uses_total',
    'Durable count of the uses of each key by purpose, on this host; never less than what was signed.',
    ['key', 'purpose'],
  );
  return {
    signed: (key, seconds) => duration.observe({ key }, seconds),
    failed: (error) => {
      if (!isFault(error)) return;
      const ckr = error.detail['ckr'];
      errors.inc({ ckr: typeof ckr === 'string' ? ckr : error.code });
    },
    uses: (key, purpose, counted) => uses.set({ key, purpose }, counted),
    sessions: (token, open) => sessions.set({ token }, open),
  };
}
