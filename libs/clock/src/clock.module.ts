import {
  type BeforeApplicationShutdown,
  type DynamicModule,
  Module,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import type { Pool } from 'pg';
import { RecordEvent } from '#audit';
import {
  ClockWatch,
  type Logger,
  LOGGER,
  type Metrics,
  METRICS,
  POOL,
  type Settings,
  SETTINGS,
} from '#platform';
import { ClockRecordStore } from './clock-record-store.js';
import { KeepClockRecords } from './keep-clock-records.js';
import { measureClock } from './measure-clock.js';

/** Needs platform and audit below it. */
@Module({})
export class ClockModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(private readonly keep: KeepClockRecords) {}

  static on(imports: DynamicModule[]): DynamicModule {
    return {
      module: ClockModule,
      imports,
      providers: [
        { provide: ClockRecordStore, inject: [POOL], useFactory: (pool: Pool) => new ClockRecordStore(pool) },
        {
          provide: KeepClockRecords,
          inject: [POOL, RecordEvent, ClockWatch, SETTINGS, LOGGER, METRICS],
          useFactory: (
            pool: Pool,
            record: RecordEvent,
            watch: ClockWatch,
            { clock }: Settings,
            logger: Logger,
            metrics: Metrics,
          ) => {
            measureClock(watch.trust, metrics);
            return new KeepClockRecords({ pool, record, watch, pollSeconds: clock.pollSeconds, logger });
          },
        },
      ],
      exports: [ClockRecordStore],
    };
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.keep.begin();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.keep.end();
  }
}
