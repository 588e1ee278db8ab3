import { type DynamicModule, Module } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { Fault } from '#core/fault';
import { fromBase64 } from '#core/octets';
import { Trees } from '#tree';
import { AdminRoutes } from '../../server/admin-routes.js';
import { ADOPT_PATH, HeadToAdopt } from './adopt-head.declaration.js';

const LOG_ADMIN = Symbol('LOG_ADMIN');

/** What operators may do to logs, on the admin socket. */
export function logAdminRoutes(trees: Trees): (admin: FastifyInstance) => void {
  return (admin) => {
    admin.post(ADOPT_PATH, async (request) => {
      const body = HeadToAdopt.safeParse(request.body);
      if (!body.success) throw new Fault('malformed', 'tree/malformed', z.prettifyError(body.error));
      const { size, root } = body.data;
      const tree = await trees.adopt({ size: BigInt(size), root: fromBase64(root) });
      return { log: tree.name, size: tree.size.toString() };
    });
  };
}

@Module({})
export class LogAdminModule {
  static on(imports: DynamicModule[]): DynamicModule {
    return {
      module: LogAdminModule,
      imports,
      providers: [
        {
          provide: LOG_ADMIN,
          inject: [AdminRoutes, Trees],
          useFactory: (routes: AdminRoutes, trees: Trees) => {
            routes.add(logAdminRoutes(trees));
            return true;
          },
        },
      ],
    };
  }
}
