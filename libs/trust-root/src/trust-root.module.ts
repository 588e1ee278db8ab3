import { join } from 'node:path';
import { Inject, Module, type DynamicModule, type OnApplicationBootstrap } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { fromBase64 } from '#core/octets';
import { HSM, type Hsm, type Signer } from '#hsm';
import { INSTANCE, TRUST_MATERIAL, type Instance, type TrustMaterial } from '#instance';
import {
  CLOCK,
  DATA_SOURCE,
  HealthProbes,
  LOGGER,
  METRICS,
  QUEUES,
  SETTINGS,
  type Clock,
  type Logger,
  type Metrics,
  type Queues,
  type Settings,
} from '#platform';
import { ExpiryWatch } from './expiry-watch.js';
import { PostgresSigningRecord } from './postgres-signing-record.js';
import { ReSignOnlineRoles } from './re-sign-online-roles.js';
import { ReSigningSchedule } from './re-signing-schedule.js';
import { RepositoryDirectory } from './repository-directory.js';
import { onlineValidity } from './validity.js';

/** Where the repository lies under the state directory. */
export function tufDirectory(stateDir: string): string {
  return join(stateDir, 'tuf');
}

@Module({})
export class TrustRootModule implements OnApplicationBootstrap {
  constructor(
    @Inject(ReSigningSchedule) private readonly schedule: ReSigningSchedule,
    @Inject(HealthProbes) private readonly probes: HealthProbes,
    @Inject(ExpiryWatch) private readonly watch: ExpiryWatch,
    @Inject(RepositoryDirectory) private readonly directory: RepositoryDirectory,
  ) {}

  static on(imports: DynamicModule[]): DynamicModule {
    return {
      module: TrustRootModule,
      imports,
      providers: [
        {
          provide: RepositoryDirectory,
          inject: [SETTINGS],
          useFactory: (settings: Settings) => new RepositoryDirectory(tufDirectory(settings.stateDir)),
        },
        {
          provide: ExpiryWatch,
          inject: [CLOCK, METRICS],
          useFactory: (clock: Clock, metrics: Metrics) => new ExpiryWatch(clock, metrics),
        },
        {
          provide: ReSignOnlineRoles,
          inject: [CLOCK, DATA_SOURCE, HSM, INSTANCE, TRUST_MATERIAL, RepositoryDirectory, ExpiryWatch],
          useFactory: (
            clock: Clock,
            dataSource: DataSource,
            hsm: Hsm,
            instance: Instance,
            { tuf }: TrustMaterial,
            directory: RepositoryDirectory,
            watch: ExpiryWatch,
          ) => {
            const signer = (role: 'snapshot' | 'timestamp'): Promise<Signer> => {
              const { uri, algorithm, spki } = tuf[role];
              return hsm.signer(uri, `tuf-${role}`, { algorithm, spki: fromBase64(spki) });
            };
            return new ReSignOnlineRoles({
              clock,
              directory,
              record: new PostgresSigningRecord(dataSource),
              signers: { snapshot: () => signer('snapshot'), timestamp: () => signer('timestamp') },
              validity: onlineValidity(instance.courierInterval),
              published: (files) => watch.see(files),
            });
          },
        },
        {
          provide: ReSigningSchedule,
          inject: [QUEUES, ReSignOnlineRoles, LOGGER],
          useFactory: (queues: Queues, reSign: ReSignOnlineRoles, logger: Logger) =>
            new ReSigningSchedule(queues.queue('trust-root'), reSign, logger),
        },
      ],
      exports: [RepositoryDirectory, ReSignOnlineRoles, ExpiryWatch],
    };
  }

  async onApplicationBootstrap(): Promise<void> {
    this.probes.add('trust-root', () => this.watch.probe());
    // What is published counts, also when nothing can be signed now.
    await this.directory.read().then(
      (files) => this.watch.see(files),
      (error: unknown) => this.watch.unreadable(error),
    );
    await this.schedule.start();
  }
}
