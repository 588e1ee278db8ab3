import { type DynamicModule, Module } from '@nestjs/common';
import { RekorV2Controller } from './rekor-v2.controller.js';

/** Rekor v2's door; needs the platform and log modules below it. */
@Module({})
export class RekorV2DoorModule {
  static on(imports: DynamicModule[]): DynamicModule {
    return {
      module: RekorV2DoorModule,
      imports,
      controllers: [RekorV2Controller],
    };
  }
}
