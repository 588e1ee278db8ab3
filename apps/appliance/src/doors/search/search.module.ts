import { type DynamicModule, Module } from '@nestjs/common';
import { SearchController } from './search.controller.js';

/** The door of the search; needs the search module below it. */
@Module({})
export class SearchDoorModule {
  static on(imports: DynamicModule[]): DynamicModule {
    return { module: SearchDoorModule, imports, controllers: [SearchController] };
  }
}
