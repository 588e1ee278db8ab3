import { type DynamicModule, Module, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { Accounts, BUILT_IN_ISSUER, type BuiltInIssuer, MachineIdentities } from '#identity';
import { LOGGER, type Logger } from '#platform';
import { AdminRoutes } from '../../server/admin-routes.js';
import { accountRoutes } from './account-routes.js';
import { machineIdentityRoutes } from './machine-identity-routes.js';
import { openOidcDoor } from './oidc-door.js';

const OIDC_ADMIN = Symbol('OIDC_ADMIN');
const OIDC_DOOR = Symbol('OIDC_DOOR');

/** Opens the built-in issuer's door, where this installation has one. */
class OidcDoor implements OnModuleInit {
  readonly #open: () => void;

  constructor(open: () => void) {
    this.#open = open;
  }

  onModuleInit(): void {
    this.#open();
  }
}

@Module({})
export class OidcDoorModule {
  static on(imports: DynamicModule[]): DynamicModule {
    return {
      module: OidcDoorModule,
      imports,
      providers: [
        {
          provide: OIDC_ADMIN,
          inject: [AdminRoutes, MachineIdentities, Accounts, BUILT_IN_ISSUER],
          useFactory: (
            routes: AdminRoutes,
            machines: MachineIdentities,
            accounts: Accounts,
            issuer: BuiltInIssuer | null,
          ) => {
            if (issuer === null) return false;
            routes.add(machineIdentityRoutes(machines, issuer));
            routes.add(accountRoutes(accounts, issuer));
            return true;
          },
        },
        {
          provide: OIDC_DOOR,
          inject: [HttpAdapterHost, BUILT_IN_ISSUER, LOGGER],
          useFactory: (host: HttpAdapterHost, issuer: BuiltInIssuer | null, logger: Logger) =>
            new OidcDoor(() => {
              if (issuer !== null)
                openOidcDoor(host.httpAdapter.getInstance<FastifyInstance>(), issuer, logger);
            }),
        },
      ],
    };
  }
}
