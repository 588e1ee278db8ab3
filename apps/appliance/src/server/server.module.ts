import { type DynamicModule, Module } from '@nestjs/common';
import { AdminRoutes } from './admin-routes.js';
import { ConnectRoutes } from './connect-routes.js';

/** What doors need of the servers: a place to leave routes that are not Nest controllers. */
@Module({})
export class ServerModule {
  static on(imports: DynamicModule[]): DynamicModule {
    return {
      module: ServerModule,
      imports,
      providers: [
        { provide: ConnectRoutes, useFactory: () => new ConnectRoutes() },
        { provide: AdminRoutes, useFactory: () => new AdminRoutes() },
      ],
      exports: [ConnectRoutes, AdminRoutes],
    };
  }
}
