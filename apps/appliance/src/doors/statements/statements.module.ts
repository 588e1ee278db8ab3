import { type DynamicModule, Module } from '@nestjs/common';
import { StatementsController } from './statements.controller.js';

/** The door of the statements; needs the search module below it. */
@Module({})
export class StatementsDoorModule {
  static on(imports: DynamicModule[]): DynamicModule {
    return { module: StatementsDoorModule, imports, controllers: [StatementsController] };
  }
}
