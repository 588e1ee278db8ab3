import { type DynamicModule, Module } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import type { z } from 'zod';
import { RECONCILE_USES, type Reconciliation } from '#evidence';
import { AdminRoutes } from '../../server/admin-routes.js';
import { RECONCILE_PATH, type reconcileSchemas } from './reconcile.declaration.js';

const EVIDENCE_ADMIN = Symbol('EVIDENCE_ADMIN');

type Answer = z.infer<typeof reconcileSchemas.Reconciliation>;

function answer({ at, rows, breaks, findings }: Reconciliation): Answer {
  return {
    at: at.toISOString(),
    findings,
    uses: rows.map(({ keys, labels, atLeast, atMost, booked, residual, ...row }) => ({
      ...row,
      keys: [...keys],
      labels: [...labels],
      atLeast: atLeast.toString(),
      atMost: atMost.toString(),
      booked: booked?.toString() ?? null,
      residual: residual.toString(),
    })),
    breaks: breaks.map(({ counter, at: when, reason }) => ({ counter, at: when.toISOString(), reason })),
  };
}

/** What auditors may ask, on the admin socket. */
export function evidenceRoutes(reconcile: () => Promise<Reconciliation>): (admin: FastifyInstance) => void {
  return (admin) => {
    admin.post(RECONCILE_PATH, async () => answer(await reconcile()));
  };
}

@Module({})
export class EvidenceAdminModule {
  static on(imports: DynamicModule[]): DynamicModule {
    return {
      module: EvidenceAdminModule,
      imports,
      providers: [
        {
          provide: EVIDENCE_ADMIN,
          inject: [AdminRoutes, RECONCILE_USES],
          useFactory: (routes: AdminRoutes, reconcile: () => Promise<Reconciliation>) => {
            routes.add(evidenceRoutes(reconcile));
            return true;
          },
        },
      ],
    };
  }
}
