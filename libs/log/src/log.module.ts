import { type DynamicModule, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import type { Pool } from 'pg';
import { HSM, type Hsm } from '#hsm';
import { TRUST_MATERIAL, type TrustMaterial } from '#instance';
import { type Logger, LOGGER, type Metrics, METRICS, POOL, type Settings, SETTINGS } from '#platform';
import { Trees } from '#tree';
import type { EntryChecker } from './checked-entry.js';
import { openV1Log, openV2Log } from './open-logs.js';
import { V1Log } from './v1/v1-log.js';
import { V2Log } from './v2/v2-log.js';
import { WorkerEntryChecker } from './worker-entry-checker.js';

const ENTRY_CHECKER = Symbol('ENTRY_CHECKER');
/** The same threads, for what is handed in later. */
export const DEPOSIT_CHECKER = Symbol('DEPOSIT_CHECKER');

const WITH = [Trees, HSM, POOL, TRUST_MATERIAL, ENTRY_CHECKER, METRICS];

function timestampsAtOnce({ signedEntryTimestamps, timestampsAtOnce: most }: Settings['log']['v1']): number {
  if (signedEntryTimestamps === 'off') return 0;
  return signedEntryTimestamps === 'hsm' ? 1 : most;
}

/** Both faces of the log. Needs platform, instance, HSM and tree modules. */
@Module({})
export class LogModule implements OnApplicationShutdown {
  readonly #checker: EntryChecker;

  constructor(@Inject(ENTRY_CHECKER) checker: EntryChecker) {
    this.#checker = checker;
  }

  static on(imports: DynamicModule[]): DynamicModule {
    return {
      module: LogModule,
      imports,
      providers: [
        {
          provide: ENTRY_CHECKER,
          inject: [LOGGER, SETTINGS],
          useFactory: (logger: Logger, settings: Settings) =>
            new WorkerEntryChecker(logger, {
              profile: settings.crypto.profile,
              nativeDsse: settings.log.v2.nativeDsse,
              maximumStatementBytes: settings.log.statements.maximumBytes,
            }),
        },
        { provide: DEPOSIT_CHECKER, useExisting: ENTRY_CHECKER },
        {
          provide: V1Log,
          inject: [...WITH, SETTINGS],
          useFactory: (
            trees: Trees,
            hsm: Hsm,
            pool: Pool,
            material: TrustMaterial,
            checker: EntryChecker,
            metrics: Metrics,
            settings: Settings,
          ) =>
            openV1Log({
              trees,
              hsm,
              pool,
              material,
              checker,
              metrics,
              timestampsAtOnce: timestampsAtOnce(settings.log.v1),
            }),
        },
        {
          provide: V2Log,
          inject: WITH,
          useFactory: (
            trees: Trees,
            hsm: Hsm,
            pool: Pool,
            material: TrustMaterial,
            checker: EntryChecker,
            metrics: Metrics,
          ) => openV2Log({ trees, hsm, pool, material, checker, metrics }),
        },
      ],
      exports: [V1Log, V2Log, DEPOSIT_CHECKER],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#checker.close();
  }
}
