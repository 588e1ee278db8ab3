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
import { FewAtOnce } from './few-at-once.js';
import { SearchLogs } from './search-logs.js';
import { StatementStore } from './statement-store.js';
import { StatementsHeld } from './statements-held.js';

const SEARCHED_TREES = Symbol('SEARCHED_TREES');
const TURNS = Symbol('TURNS');
/** Of the database's connections, most are for those who log. */
const AT_ONCE = 4;
const MAY_WAIT = 256;

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
          provide: TURNS,
          useFactory: () => new FewAtOnce(AT_ONCE, MAY_WAIT),
        },
        {
          provide: SearchLogs,
          inject: [SEARCHED_TREES, BoundaryStore, TURNS],
          useFactory: (trees: readonly SearchedTree[], boundaries: BoundaryStore, turns: FewAtOnce) =>
            new SearchLogs(trees, boundaries, turns),
        },
        {
          provide: StatementStore,
          inject: [SEARCHED_TREES, SETTINGS, TURNS],
          useFactory: (trees: readonly SearchedTree[], { log }: Settings, turns: FewAtOnce) =>
            new StatementStore(trees, log.statements.maximumEntries, turns),
        },
        {
          provide: DepositStatement,
          inject: [POOL, SEARCHED_TREES, DEPOSIT_CHECKER, RecordEvent, CLOCK, METRICS, SETTINGS, TURNS],
          useFactory: (
            pool: Pool,
            trees: readonly SearchedTree[],
            checker: DepositChecker,
            record: RecordEvent,
            clock: Clock,
            metrics: Metrics,
            { log }: Settings,
            turns: FewAtOnce,
          ) =>
            new DepositStatement({ pool, trees, checker, record, clock, metrics, turns, ...log.statements }),
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
