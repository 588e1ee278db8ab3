import { type DynamicModule, Module } from '@nestjs/common';
import { BoundariesController } from './boundaries.controller.js';

/** The door of the boundary checkpoints; needs the audit module below it. */
@Module({})
export class BoundariesDoorModule {
  static on(imports: DynamicModule[]): DynamicModule {
    return { module: BoundariesDoorModule, imports, controllers: [BoundariesController] };
  }
}
