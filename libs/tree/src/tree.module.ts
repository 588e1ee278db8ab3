import { type DynamicModule, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { join } from 'node:path';
import type { Pool } from 'pg';
import {
  CLOCK,
  type Clock,
  HealthProbes,
  type Logger,
  LOGGER,
  type Metrics,
  METRICS,
  POOL,
  type Settings,
  SETTINGS,
} from '#platform';
import { Trees, type TreesParts } from './trees.js';

/** Hands out `Trees`; make it once and import the same object wherever trees are opened. */
@Module({})
export class TreeModule implements OnApplicationShutdown {
  readonly #trees: Trees;

  constructor(@Inject(Trees) trees: Trees) {
    this.#trees = trees;
  }

  /** @param barrier crash tests only, which start an appliance in a program of their own */
  static on(imports: DynamicModule[], barrier?: TreesParts['barrier']): DynamicModule {
    return {
      module: TreeModule,
      imports,
      providers: [
        {
          provide: Trees,
          inject: [POOL, SETTINGS, CLOCK, LOGGER, METRICS, HealthProbes],
          useFactory: (
            pool: Pool,
            settings: Settings,
            clock: Clock,
            logger: Logger,
            metrics: Metrics,
            health: HealthProbes,
          ) =>
            new Trees({
              pool,
              directory: join(settings.stateDir, 'tiles'),
              clock,
              logger,
              metrics,
              health,
              adoptUnknown: settings.mode === 'evaluation',
              ...(barrier === undefined ? {} : { barrier }),
            }),
        },
      ],
      exports: [Trees],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#trees.close();
  }
}
