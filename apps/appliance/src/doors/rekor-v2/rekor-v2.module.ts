import { type DynamicModule, Module } from '@nestjs/common';
import { LOGGER, type Logger } from '#platform';
import { RekorV2ErrorFilter } from './rekor-v2-error.filter.js';
import { RekorV2Controller } from './rekor-v2.controller.js';

/** Rekor v2's door; needs the platform and log modules below it. */
@Module({})
export class RekorV2DoorModule {
  static on(imports: DynamicModule[]): DynamicModule {
    return {
      module: RekorV2DoorModule,
      imports,
      controllers: [RekorV2Controller],
      providers: [
        {
          provide: RekorV2ErrorFilter,
          inject: [LOGGER],
          useFactory: (logger: Logger) => new RekorV2ErrorFilter(logger),
        },
      ],
    };
  }
}
