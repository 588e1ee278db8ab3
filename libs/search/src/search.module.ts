import {
  type BeforeApplicationShutdown,
  type DynamicModule,
  Module,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import type { Pool } from 'pg';
import { BoundaryStore, RecordEvent } from '#audit';
import { hostOf, TRUST_MATERIAL, type TrustMaterial } from '#instance';
import { DEPOSIT_CHECKER, type DepositChecker, V1Log, V2Log } from '#log';
import {
  type Clock,
  CLOCK,
  type Logger,
  LOGGER,
  type Metrics,
  METRICS,
  POOL,
  type Settings,
  SETTINGS,
} from '#platform';
import { DepositStatement } from './deposit-statement.js';
import { searchedTrees, type SearchedTree } from './faces.js';
import { SearchLogs } from './search-logs.js';
import { StatementStore } from './statement-store.js';
import { StatementsHeld } from './statements-held.js';

const SEARCHED_TREES = Symbol('SEARCHED_TREES');

/** Needs platform, instance, log and audit below it. */
@Module({})
export class SearchModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(private readonly held: StatementsHeld) {}

  static on(imports: DynamicModule[]): DynamicModule {
    return {
      module: SearchModule,
      imports,
      providers: [
        {
          provide: SEARCHED_TREES,
          inject: [V1Log, V2Log, TRUST_MATERIAL],
          useFactory: (v1: V1Log, v2: V2Log, { rekorV2 }: TrustMaterial): readonly SearchedTree[] => {
            const urls = new Map(rekorV2.map(({ url }) => [hostOf(url), url]));
            return searchedTrees(v1, v2, (host) => urls.get(host) ?? `https://${host}`);
          },
        },
        {
          provide: SearchLogs,
          inject: [SEARCHED_TREES, BoundaryStore],
          useFactory: (trees: readonly SearchedTree[], boundaries: BoundaryStore) =>
            new SearchLogs(trees, boundaries),
        },
        {
          provide: StatementStore,
          inject: [SEARCHED_TREES, SETTINGS],
          useFactory: (trees: readonly SearchedTree[], { log }: Settings) =>
            new StatementStore(trees, log.statements.maximumEntries),
        },
        {
          provide: DepositStatement,
          inject: [POOL, SEARCHED_TREES, DEPOSIT_CHECKER, RecordEvent, CLOCK, METRICS, SETTINGS],
          useFactory: (
            pool: Pool,
            trees: readonly SearchedTree[],
            checker: DepositChecker,
            record: RecordEvent,
            clock: Clock,
            metrics: Metrics,
            { log }: Settings,
          ) => new DepositStatement({ pool, trees, checker, record, clock, metrics, ...log.statements }),
        },
        {
          provide: StatementsHeld,
          inject: [SEARCHED_TREES, METRICS, LOGGER],
          useFactory: (trees: readonly SearchedTree[], metrics: Metrics, logger: Logger) =>
            new StatementsHeld(trees, metrics, logger),
        },
      ],
      exports: [SearchLogs, StatementStore, DepositStatement],
    };
  }

  onApplicationBootstrap(): void {
    this.held.begin();
  }

  beforeApplicationShutdown(): void {
    this.held.end();
  }
}
