import { type DynamicModule, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { HSM, type Hsm } from '#hsm';
import { TRUST_MATERIAL, type TrustMaterial } from '#instance';
import { CLOCK, type Clock, LOGGER, type Logger } from '#platform';
import { Trees } from '#tree';
import { CtLog } from './ct-log.js';
import { CtLogs } from './ct-logs.js';

/** The certificate logs. Needs platform, instance, HSM and tree modules. `CtLog` is the one that promises now. */
@Module({})
export class CtModule implements OnApplicationShutdown {
  readonly #stop: () => void;

  constructor(@Inject(CtLogs) logs: CtLogs, @Inject(LOGGER) logger: Logger) {
    this.#stop = logs.keepFresh(logger);
  }

  static on(imports: DynamicModule[]): DynamicModule {
    return {
      module: CtModule,
      imports,
      providers: [
        {
          provide: CtLogs,
          inject: [Trees, HSM, TRUST_MATERIAL, CLOCK],
          useFactory: (trees: Trees, hsm: Hsm, material: TrustMaterial, clock: Clock) =>
            CtLogs.open({ trees, hsm, material, clock }),
        },
        { provide: CtLog, inject: [CtLogs], useFactory: (logs: CtLogs) => logs.active },
      ],
      exports: [CtLogs, CtLog],
    };
  }

  onApplicationShutdown(): void {
    this.#stop();
  }
}
