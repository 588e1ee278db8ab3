import {
  type BeforeApplicationShutdown,
  type DynamicModule,
  Inject,
  Module,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import type { Pool } from 'pg';
import { type AuditEvent, RecordEvent } from '#audit';
import { Fault } from '#core/fault';
import {
  type Clock,
  CLOCK,
  HealthProbes,
  type Logger,
  LOGGER,
  type Metrics,
  METRICS,
  POOL,
  type ProbeFacts,
  type Settings,
  SETTINGS,
} from '#platform';
import { ContinuousCheck, type Coverage, type Finding, formatPlace, Trees } from '#tree';
import { AdminRoutes } from '../../server/admin-routes.js';
import { VERIFICATION_PATH } from './verification.declaration.js';

const HOUR_MS = 3_600_000;

function time(ms: number): string {
  return new Date(ms).toISOString();
}

/** One tree as the admin socket describes it. */
function formatCoverage({
  tree,
  running,
  verified,
  until,
  startedMs,
  fullPasses,
  full,
  faults,
}: Coverage) {
  return {
    tree,
    running,
    verified: verified.toString(),
    until: until.toString(),
    started: startedMs === 0 ? null : time(startedMs),
    fullPasses: fullPasses.toString(),
    full:
      full === undefined
        ? null
        : { size: full.size.toString(), started: time(full.startedMs), ended: time(full.endedMs) },
    faults: faults.map(({ firstMs, ...fault }) => ({ ...fault, since: time(firstMs) })),
  };
}

/** What Prometheus learns of the slow check; every replica tells the same, since it stands in the database. */
function gauges(metrics: Metrics): (coverage: readonly Coverage[]) => void {
  const labels = ['tree'] as const;
  const verified = metrics.gauge(
    'airseal_tree_verified_leaves',
    'Leaves that the slow check has been over in its present pass, or its last',
    labels,
  );
  const started = metrics.gauge(
    'airseal_tree_verification_pass_started_timestamp_seconds',
    'When that pass began',
    labels,
  );
  const passes = metrics.gauge(
    'airseal_tree_verification_passes',
    'Passes from the first leaf to the end',
    labels,
  );
  const ended = metrics.gauge(
    'airseal_tree_verification_pass_ended_timestamp_seconds',
    'When the last full pass ended',
    labels,
  );
  const faults = metrics.gauge(
    'airseal_tree_faults',
    'Contradictions that the last full pass, or the present one, has seen; anything but zero is grave',
    labels,
  );
  return (coverage) => {
    for (const one of coverage) {
      const { tree } = one;
      verified.set({ tree }, Number(one.verified));
      started.set({ tree }, one.startedMs / 1000);
      passes.set({ tree }, Number(one.fullPasses));
      if (one.full !== undefined) ended.set({ tree }, one.full.endedMs / 1000);
      faults.set({ tree }, one.faults.length);
    }
  };
}

/** Throws while a fault is known: shown, and not what makes an appliance unready. */
function probeOf(coverage: readonly Coverage[]): ProbeFacts {
  const faults = coverage.flatMap(({ tree, faults: found }) => found.map(({ place }) => `${tree} ${place}`));
  if (faults.length > 0) {
    throw new Fault(
      'corrupt',
      'log/contradiction',
      `the logs contradict themselves at ${faults.length} places, first ${faults[0] ?? ''}; run \`airseal log fsck\``,
    );
  }
  return Object.fromEntries(
    coverage.map(({ tree, verified, until, startedMs, fullPasses }) => [
      tree,
      startedMs === 0
        ? 'not covered yet'
        : `${verified} of ${until} leaves since ${time(startedMs)}, ${fullPasses} full passes`,
    ]),
  );
}

/** What operators may ask about it, on the admin socket. */
export function verificationRoutes(
  check: Pick<ContinuousCheck, 'coverage'>,
  enabled: boolean,
): (admin: FastifyInstance) => void {
  return (admin) => {
    admin.get(VERIFICATION_PATH, () => ({ enabled, trees: check.coverage.map(formatCoverage) }));
  };
}

/** The slow check of every tree, and the door that says how far it has come. */
@Module({})
export class VerificationModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #check: ContinuousCheck;
  readonly #settings: Settings;
  readonly #logger: Logger;

  constructor(check: ContinuousCheck, @Inject(SETTINGS) settings: Settings, @Inject(LOGGER) logger: Logger) {
    this.#check = check;
    this.#settings = settings;
    this.#logger = logger;
  }

  static on(imports: DynamicModule[]): DynamicModule {
    return {
      module: VerificationModule,
      imports,
      providers: [
        {
          provide: ContinuousCheck,
          inject: [POOL, Trees, RecordEvent, SETTINGS, CLOCK, LOGGER, METRICS, HealthProbes, AdminRoutes],
          useFactory: (
            pool: Pool,
            trees: Trees,
            record: RecordEvent,
            settings: Settings,
            clock: Clock,
            logger: Logger,
            metrics: Metrics,
            health: HealthProbes,
            routes: AdminRoutes,
          ) => {
            const { enabled, leavesPerSecond, everyHours } = settings.log.verification;
            const check = new ContinuousCheck({
              pool,
              trees: () => trees.watched(),
              leavesPerSecond,
              everyMs: everyHours * HOUR_MS,
              clock,
              logger,
              record: (client, tree, finding, stops) => record.within(client, eventOf(tree, finding, stops)),
              covered: gauges(metrics),
            });
            health.add('verification', () => probeOf(check.coverage), { essential: false });
            routes.add(verificationRoutes(check, enabled));
            return check;
          },
        },
      ],
    };
  }

  async onApplicationBootstrap(): Promise<void> {
    try {
      // What was found before the last restart still stands. The trees were opened with it; the boards are told here.
      await this.#check.look();
    } catch (err) {
      this.#logger.warn({ err }, 'what the check of the logs has found could not be read');
    }
    if (this.#settings.log.verification.enabled) this.#check.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#check.stop();
  }
}

function eventOf(tree: string, finding: Finding, stops: boolean): AuditEvent {
  return {
    code: 'log.consistency.failed',
    outcome: 'failure',
    reason: formatPlace(finding),
    resource: { type: 'tree', id: tree },
    details: {
      what: finding.what,
      at: { ...finding.at },
      expected: finding.expected,
      found: finding.found,
      effect: stops ? 'quarantine' : 'alarm',
    },
  };
}
