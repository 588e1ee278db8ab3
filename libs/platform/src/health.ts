/**
 * Whether this appliance can do its work now, dependency by dependency.
 *
 * Whoever owns a dependency adds a probe for it. A probe answers within its time or counts as failed, and
 * answers are kept for a second, so that a load balancer that asks often costs nothing.
 */
import { isFault } from '#core/fault';
import { steadyClock, type SteadyMs } from './time/time-source.js';

/** Facts worth showing to anyone who may ask; never a secret. */
export type ProbeFacts = Readonly<Record<string, string | number | boolean>>;

/** Resolves when the dependency works, with facts if there are any; throws a Fault that says why not. */
export type Probe = () => Promise<ProbeFacts | void> | ProbeFacts | void;

export interface DependencyState {
  readonly status: 'ok' | 'failed';
  readonly reason?: string;
  readonly facts?: ProbeFacts;
}

export interface Readiness {
  readonly ready: boolean;
  readonly dependencies: Readonly<Record<string, DependencyState>>;
}

export interface ProbeOptions {
  /** A failed probe that is not essential is shown, and the appliance stays ready. Default: essential. */
  readonly essential?: boolean;
  readonly timeoutMs?: number;
}

const KEEP_MS = 1000;

export class HealthProbes {
  readonly #steadyMs: SteadyMs;
  readonly #probes = new Map<string, { probe: Probe; essential: boolean; timeoutMs: number }>();
  #last: { atMs: number; answer: Promise<Readiness> } | undefined;

  /** @param steadyMs what an answer's second is measured with: the time itself may stand still while it is not believed */
  constructor(steadyMs: SteadyMs = steadyClock) {
    this.#steadyMs = steadyMs;
  }

  /** Adds the probe of the dependency called `name`: one word, as `/readyz` shows it. */
  add(name: string, probe: Probe, options: ProbeOptions = {}): void {
    this.#probes.set(name, {
      probe,
      essential: options.essential ?? true,
      timeoutMs: options.timeoutMs ?? 2000,
    });
    this.#last = undefined;
  }

  readiness(): Promise<Readiness> {
    const nowMs = this.#steadyMs();
    if (this.#last !== undefined && nowMs - this.#last.atMs < KEEP_MS) return this.#last.answer;
    const answer = this.#ask();
    this.#last = { atMs: nowMs, answer };
    return answer;
  }

  async #ask(): Promise<Readiness> {
    let ready = true;
    const states = await Promise.all(
      [...this.#probes].map(async ([name, { probe, essential, timeoutMs }]) => {
        const state = await askOne(probe, timeoutMs);
        if (state.status === 'failed' && essential) ready = false;
        return [name, state] as const;
      }),
    );
    return { ready, dependencies: Object.fromEntries(states) };
  }
}

async function askOne(probe: Probe, timeoutMs: number): Promise<DependencyState> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), timeoutMs);
  });
  try {
    const facts = await Promise.race([Promise.resolve().then(probe), late]);
    if (facts === 'late') return { status: 'failed', reason: `no answer within ${timeoutMs} ms` };
    return facts === undefined ? { status: 'ok' } : { status: 'ok', facts };
  } catch (error) {
    // A defect's text may hold anything; only a fault's message is safe to show.
    return { status: 'failed', reason: isFault(error) ? error.message : 'failed; the log says why' };
  } finally {
    clearTimeout(timer);
  }
}
