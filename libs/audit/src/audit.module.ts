import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import {
  type BeforeApplicationShutdown,
  type DynamicModule,
  Module,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import type { Pool } from 'pg';
import { sha256 } from '#core/crypto';
import { canonicalJson, parseJson } from '#core/json';
import { fromBase64, fromUtf8, toHex } from '#core/octets';
import { HSM, type Hsm } from '#hsm';
import { hostOf, INSTANCE, type Instance, TRUST_MATERIAL, type TrustMaterial } from '#instance';
import { V1Log } from '#log';
import {
  type Clock,
  CLOCK,
  ClockTrust,
  HealthProbes,
  type Logger,
  LOGGER,
  type Metrics,
  METRICS,
  POOL,
  type Settings,
  SETTINGS,
} from '#platform';
import { openedOnce, StampTime } from '#timestamp';
import { Trees } from '#tree';
import { AuditDuties } from './audit-duties.js';
import { auditOrigin, openAuditTree } from './audit-tree.js';
import { AnchorAuditHead } from './boundary/anchor-audit-head.js';
import { BoundaryStore } from './boundary/boundary-store.js';
import { BoundaryWatch } from './boundary/boundary-watch.js';
import { KeepBoundaries } from './boundary/keep-boundaries.js';
import { stampOctets } from './boundary/stamp-octets.js';
import { DrainOutbox } from './drain-outbox.js';
import { RecordEvent } from './record-event.js';
import { RecordStart } from './record-start.js';
import { HearUses } from './uses/hear-uses.js';

/** Needs platform, instance, hsm, tree, log and timestamp below it. */
@Module({})
export class AuditModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(private readonly duties: AuditDuties) {}

  /** @param version of this build */
  static on(imports: DynamicModule[], version: string): DynamicModule {
    return {
      module: AuditModule,
      imports,
      providers: [
        {
          provide: RecordEvent,
          inject: [CLOCK, SETTINGS],
          useFactory: (clock: Clock, settings: Settings) =>
            new RecordEvent({
              clock,
              random: (length) => randomBytes(length),
              // Replicas on one host differ by their first door.
              node: `${hostname()}:${settings.listen.public[0]?.port ?? 0}`,
              version,
            }),
        },
        { provide: BoundaryStore, inject: [POOL], useFactory: (pool: Pool) => new BoundaryStore(pool) },
        {
          provide: HearUses,
          inject: [POOL, HSM, RecordEvent, LOGGER],
          useFactory: (pool: Pool, hsm: Hsm, record: RecordEvent, logger: Logger) =>
            new HearUses({ pool, hsm, record, logger }),
        },
        {
          provide: AuditDuties,
          inject: [
            POOL,
            Trees,
            HSM,
            INSTANCE,
            TRUST_MATERIAL,
            V1Log,
            StampTime,
            RecordEvent,
            HearUses,
            BoundaryStore,
            CLOCK,
            ClockTrust,
            SETTINGS,
            LOGGER,
            METRICS,
            HealthProbes,
          ],
          useFactory: async (
            pool: Pool,
            trees: Trees,
            hsm: Hsm,
            { services }: Instance,
            material: TrustMaterial,
            log: V1Log,
            stampTime: StampTime,
            record: RecordEvent,
            uses: HearUses,
            store: BoundaryStore,
            clock: Clock,
            clockTrust: ClockTrust,
            settings: Settings,
            logger: Logger,
            metrics: Metrics,
            health: HealthProbes,
          ) => {
            const spki = fromBase64(material.audit.spki);
            const { uri, algorithm } = material.audit;
            const auditKey = openedOnce(() => hsm.signer(uri, 'audit-anchor', { algorithm, spki }));
            const origin = auditOrigin(hostOf(services.rekorV1.url));
            const headKey = openedOnce(() => hsm.headSigner(uri, origin, { algorithm, spki }));
            const tree = await openAuditTree(trees, origin, spki, headKey);
            const drain = new DrainOutbox(pool, tree, logger);
            const anchors = new AnchorAuditHead({ pool, log, auditKey, record });
            const boundaries = new KeepBoundaries({
              pool,
              store,
              trees: () => trees.all(),
              believeClock: () => clockTrust.check(),
              stamp: (octets) => stampOctets(stampTime, octets),
              anchor: (client, dueMs, head) => anchors.prepare(client, dueMs, head),
              placeAnchors: () => anchors.place(),
              uses,
              record,
              clock,
              logger,
            });
            const watch = new BoundaryWatch(
              { store, trees: () => trees.all(), failures: () => boundaries.failures, clock },
              metrics,
            );
            return new AuditDuties({
              pool,
              trees,
              hsm,
              record,
              drain,
              boundaries,
              watch,
              uses,
              clock,
              logger,
              metrics,
              health,
              start: new RecordStart(pool, record),
              facts: { settingsSha256: digestOf(settings), trustMaterialSha256: digestOf(material) },
            });
          },
        },
      ],
      exports: [RecordEvent, BoundaryStore, HearUses],
    };
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.duties.begin();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.duties.end();
  }
}

function digestOf(value: object): string {
  return toHex(sha256(canonicalJson(parseJson(fromUtf8(JSON.stringify(value))))));
}
