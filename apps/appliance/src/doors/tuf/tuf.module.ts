import { type DynamicModule, Module } from '@nestjs/common';
import { RepositoryDirectory } from '#trust-root';
import { PublishedFiles } from './published-files.js';
import { TufController } from './tuf.controller.js';

/** The trust root's door; needs the trust root below it. */
@Module({})
export class TufDoorModule {
  static on(imports: DynamicModule[]): DynamicModule {
    return {
      module: TufDoorModule,
      imports,
      controllers: [TufController],
      providers: [
        {
          provide: PublishedFiles,
          inject: [RepositoryDirectory],
          useFactory: (directory: RepositoryDirectory) => new PublishedFiles(directory.path),
        },
      ],
    };
  }
}
