import { type DynamicModule, Module } from '@nestjs/common';
import { RekorV1Controller } from './rekor-v1.controller.js';

/** Rekor v1's door; needs the platform and log modules below it. */
@Module({})
export class RekorV1DoorModule {
  static on(imports: DynamicModule[]): DynamicModule {
    return {
      module: RekorV1DoorModule,
      imports,
      controllers: [RekorV1Controller],
    };
  }
}
