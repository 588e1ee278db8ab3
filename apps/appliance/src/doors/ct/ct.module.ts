import { type DynamicModule, Module } from '@nestjs/common';
import { CtController } from './ct.controller.js';

/** The certificate log's door; needs the platform and ct modules below it. */
@Module({})
export class CtDoorModule {
  static on(imports: DynamicModule[]): DynamicModule {
    return {
      module: CtDoorModule,
      imports,
      controllers: [CtController],
    };
  }
}
