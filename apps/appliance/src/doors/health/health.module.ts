import { type DynamicModule, Module } from '@nestjs/common';
import { ClockTrust, HealthProbes, SETTINGS, type Settings } from '#platform';
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
          inject: [SETTINGS, HealthProbes, ClockTrust],
          useFactory: (settings: Settings, probes: HealthProbes, time: ClockTrust) =>
            new HealthAnswers(settings.mode, probes, time),
        },
      ],
      exports: [HealthAnswers],
    };
  }
}
