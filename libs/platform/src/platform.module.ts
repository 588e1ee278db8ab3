import { type DynamicModule, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import type pg from 'pg';
import type { DataSource } from 'typeorm';
import { ClockTrust } from './clock-trust.js';
import { ClockWatch } from './time/clock-watch.js';
import { type Clock, systemClock } from './clock.js';
import { dataSource, type Entity, openPool, unreachable } from './database.js';
import { HealthProbes } from './health.js';
import type { Logger } from './logging.js';
import { Metrics } from './metrics.js';
import { Queues } from './queue.js';
import type { Settings } from './settings.js';
import { CLOCK, DATA_SOURCE, LOGGER, METRICS, POOL, QUEUES, SETTINGS } from './tokens.js';

/** Far more than any transaction waits for a token; a replica that was paused or cut off holds others up for so long. */
const MOST_IDLE_MS = 60_000;

export interface PlatformParts {
  readonly settings: Settings;
  readonly logger: Logger;
  readonly entities: readonly Entity[];
  /** What the modules read the time from; what `time` believes when left out. */
  readonly clock?: Clock;
  /** Made before the modules, since nothing may be dated before it; the machine's clock alone when left out. */
  readonly time?: ClockWatch;
  /** Made before the modules where the server counts as well. */
  readonly metrics?: Metrics;
}

/**
 * The ground floor. Make it once and hand the same object to every module that imports it: Nest tells
 * dynamic modules apart by identity.
 */
@Module({})
export class PlatformModule implements OnApplicationShutdown {
  readonly #pool: pg.Pool;
  readonly #dataSource: DataSource;
  readonly #queues: Queues;

  constructor(
    @Inject(POOL) pool: pg.Pool,
    @Inject(DATA_SOURCE) dataSource: DataSource,
    @Inject(QUEUES) queues: Queues,
  ) {
    this.#pool = pool;
    this.#dataSource = dataSource;
    this.#queues = queues;
  }

  static on(parts: PlatformParts): DynamicModule {
    const tokens = [
      ...[CLOCK, SETTINGS, LOGGER, POOL, DATA_SOURCE, METRICS, QUEUES],
      ...[HealthProbes, ClockTrust, ClockWatch],
    ];
    const time = parts.time ?? machineTime(parts);
    return {
      module: PlatformModule,
      providers: [
        { provide: CLOCK, useValue: parts.clock ?? { nowMs: () => time.trust.believedMs() } },
        { provide: SETTINGS, useValue: parts.settings },
        { provide: LOGGER, useValue: parts.logger },
        { provide: METRICS, useFactory: () => parts.metrics ?? new Metrics() },
        { provide: POOL, useFactory: () => openPool(parts.settings.database, parts.logger, MOST_IDLE_MS) },
        {
          provide: DATA_SOURCE,
          useFactory: async () => {
            try {
              return await dataSource(parts.settings.database, 'runtime', {
                entities: parts.entities,
              }).initialize();
            } catch (error) {
              throw unreachable(parts.settings.database, error);
            }
          },
        },
        { provide: QUEUES, useFactory: () => new Queues(parts.settings.redis, parts.logger) },
        { provide: ClockWatch, useValue: time },
        { provide: ClockTrust, useValue: time.trust },
        {
          provide: HealthProbes,
          inject: [POOL, QUEUES, ClockTrust],
          useFactory: (pool: pg.Pool, queues: Queues, trust: ClockTrust) => {
            const probes = new HealthProbes();
            probes.add('database', async () => {
              await pool.query('SELECT 1');
            });
            // Jobs wait for Redis; signing does not.
            probes.add('redis', () => queues.probe(), { essential: false });
            probes.add('clock', () => {
              trust.check();
              return { time: trust.state().standing };
            });
            return probes;
          },
        },
      ],
      exports: tokens,
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#queues.close();
    await Promise.allSettled([this.#dataSource.destroy(), this.#pool.end()]);
  }
}

function machineTime({ settings, clock = systemClock, logger }: PlatformParts): ClockWatch {
  const { pollSeconds, maximumJumpMs } = settings.clock;
  const trust = new ClockTrust({ settings: settings.clock, standalone: true, clock });
  return new ClockWatch({ trust, sources: [], pollSeconds, maximumJumpMs, logger });
}
