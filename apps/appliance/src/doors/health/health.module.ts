import { type DynamicModule, Module } from '@nestjs/common';
import { HealthProbes, SETTINGS, type Settings } from '#platform';
import { HealthAnswers } from './health-answers.js';
import { HealthController } from './health.controller.js';

@Module({})
export class HealthDoorModule {
  static on(imports: DynamicModule[]): DynamicModule {
    return {
      module: HealthDoorModule,
      imports,
      controllers: [HealthController],
      providers: [
        {
          provide: HealthAnswers,
          inject: [SETTINGS, HealthProbes],
          useFactory: (settings: Settings, probes: HealthProbes) => new HealthAnswers(settings.mode, probes),
        },
      ],
      exports: [HealthAnswers],
    };
  }
}
