import { type DynamicModule, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { HealthProbes, LOGGER, type Logger, METRICS, type Metrics, SETTINGS, type Settings } from '#platform';
import { Hsm } from './hsm.js';
import { journalDirectory } from './journal-directory.js';

/** `Hsm`: the tokens that the settings allow this process to use. */
export const HSM = Symbol('HSM');

@Module({})
export class HsmModule implements OnApplicationShutdown {
  readonly #hsm: Hsm;

  constructor(@Inject(HSM) hsm: Hsm) {
    this.#hsm = hsm;
  }

  static on(imports: DynamicModule[]): DynamicModule {
    return {
      module: HsmModule,
      imports,
      providers: [
        {
          provide: HSM,
          inject: [SETTINGS, LOGGER, METRICS, HealthProbes],
          useFactory: async (settings: Settings, logger: Logger, metrics: Metrics, probes: HealthProbes) => {
            const { mode, runtimeDir } = settings;
            const journalDir = journalDirectory(settings);
            const { tokens } = settings.hsm;
            const hsm = await Hsm.open({ tokens, mode, runtimeDir, journalDir, logger, metrics });
            for (const name of hsm.tokenNames) probes.add(`hsm-${name}`, () => hsm.probe(name));
            return hsm;
          },
        },
      ],
      exports: [HSM],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#hsm.close();
  }
}
