import { setTimeout as pause } from 'node:timers/promises';
import { type DynamicModule, Module } from '@nestjs/common';
import type { Pool } from 'pg';
import { HearUses, RecordEvent } from '#audit';
import { TRUST_MATERIAL, type TrustMaterial } from '#instance';
import { type Clock, CLOCK, POOL } from '#platform';
import { RepositoryDirectory } from '#trust-root';
import { booksOf } from './books.js';
import { type Reconciliation, reconcileUses } from './reconcile-uses.js';

/** `() => Promise<Reconciliation>`: compares counts and books, and records what does not agree. */
export const RECONCILE_USES = Symbol('RECONCILE_USES');

/** Needs platform, instance, audit and trust-root below it. */
@Module({})
export class EvidenceModule {
  static on(imports: DynamicModule[]): DynamicModule {
    return {
      module: EvidenceModule,
      imports,
      providers: [
        {
          provide: RECONCILE_USES,
          inject: [POOL, TRUST_MATERIAL, HearUses, RepositoryDirectory, RecordEvent, CLOCK],
          useFactory:
            (
              pool: Pool,
              material: TrustMaterial,
              uses: HearUses,
              repository: RepositoryDirectory,
              record: RecordEvent,
              clock: Clock,
            ) =>
            async (): Promise<Reconciliation> => {
              const result = await reconcileUses({
                count: async () => {
                  await uses.refresh();
                  return await uses.heard();
                },
                books: () => booksOf(pool, material, repository),
                breaks: () => uses.breaks(),
                now: () => new Date(clock.nowMs()),
                pause: (ms) => pause(ms),
              });
              await recordFindings(pool, record, result);
              return result;
            },
        },
      ],
      exports: [RECONCILE_USES],
    };
  }
}

async function recordFindings(pool: Pool, record: RecordEvent, { rows }: Reconciliation): Promise<void> {
  for (const row of rows.filter(({ verdict }) => verdict === 'finding')) {
    await record.within(pool, {
      code: 'hsm.sign_count.mismatch',
      outcome: 'failure',
      reason: row.because,
      resource: { type: 'key', id: row.labels.join(' ') },
      details: {
        purpose: row.purpose,
        book: row.book,
        atLeast: row.atLeast.toString(),
        atMost: row.atMost.toString(),
        booked: row.booked?.toString() ?? 'none',
        residual: row.residual.toString(),
      },
    });
  }
}
