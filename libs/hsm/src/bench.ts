/** How fast a token signs, through everything that lies between a caller and its library. */
import { sha256 } from '#core/crypto';
import { fromBase64 } from '#core/octets';
import type { AgentLink, SigningKey } from './agent-link.js';
import type { BenchFigure } from './key-report.js';
import { trialMessage } from './purpose.js';
import type { KeyAlgorithm } from './signer.js';

const MESSAGE = trialMessage('how fast is this token?'.padEnd(40, '.'));
const DEADLINE_MS = 30_000;
/** Each figure is taken for this long; a slow token still gives some. */
const MEASURE_MS = 1000;

export async function bench(
  link: AgentLink,
  algorithms: readonly KeyAlgorithm[] = ['ecdsa-p256-sha256', 'ecdsa-p384-sha384', 'rsa-3072-sha256'],
  loads: readonly number[] = [1, 8, 32],
): Promise<readonly BenchFigure[]> {
  const figures: BenchFigure[] = [];
  for (const algorithm of algorithms) {
    const { uri, spki } = await link.call('passing', { algorithm }, 10 * 60_000);
    const key = { uri, digest: sha256(fromBase64(spki)) };
    for (const outstanding of loads) figures.push(await measure(link, key, algorithm, outstanding));
    await link.call('forget', { uri }, DEADLINE_MS);
  }
  return figures;
}

async function measure(
  link: AgentLink,
  key: SigningKey,
  algorithm: KeyAlgorithm,
  outstanding: number,
): Promise<BenchFigure> {
  const times: number[] = [];
  await link.sign(key, 'trial', MESSAGE, DEADLINE_MS);
  const begun = performance.now();
  const worker = async (): Promise<void> => {
    while (performance.now() - begun < MEASURE_MS) {
      const asked = performance.now();
      await link.sign(key, 'trial', MESSAGE, DEADLINE_MS);
      times.push(performance.now() - asked);
    }
  };
  await Promise.all(Array.from({ length: outstanding }, worker));
  const seconds = (performance.now() - begun) / 1000;
  times.sort((a, b) => a - b);
  const quantile = (share: number): number =>
    times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  return {
    algorithm,
    outstanding,
    signatures: times.length,
    perSecond: times.length / seconds,
    medianMs: quantile(0.5),
    p99Ms: quantile(0.99),
  };
}
