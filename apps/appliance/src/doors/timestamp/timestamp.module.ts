import { type DynamicModule, Module } from '@nestjs/common';
import { type Metrics, METRICS } from '#platform';
import { StampTime } from '#timestamp';
import { TimestampAnswers } from './timestamp-answers.js';
import { TimestampController } from './timestamp.controller.js';

/** The timestamp authority's door; needs the platform and timestamp below it. */
@Module({})
export class TimestampDoorModule {
  static on(imports: DynamicModule[]): DynamicModule {
    return {
      module: TimestampDoorModule,
      imports,
      controllers: [TimestampController],
      providers: [
        {
          provide: TimestampAnswers,
          inject: [StampTime, METRICS],
          useFactory: (stampTime: StampTime, metrics: Metrics) => new TimestampAnswers(stampTime, metrics),
        },
      ],
    };
  }
}
