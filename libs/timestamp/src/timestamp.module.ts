import { randomBytes } from 'node:crypto';
import { type DynamicModule, Module } from '@nestjs/common';
import { SIGSTORE_POLICY } from '#core/timestamp';
import { fromBase64 } from '#core/octets';
import { type Hsm, HSM, type Signer } from '#hsm';
import {
  type HsmKeyRecord,
  INSTANCE,
  type Instance,
  type TrustMaterial,
  TRUST_MATERIAL,
} from '#instance';
import { type Clock, CLOCK, ClockTrust, type Metrics, METRICS } from '#platform';
import { Trees } from '#tree';
import { StampTime, type TimestampLedger } from './stamp-time.js';
import { openedOnce, timestampAuthority } from './timestamp-authority.js';
import { ledgerOrigin, openLedger } from './tree-ledger.js';

/** `TimestampLedger` */
export const TIMESTAMP_LEDGER = Symbol('TIMESTAMP_LEDGER');

function keyOf(hsm: Hsm, { uri, algorithm, spki }: HsmKeyRecord): () => Promise<Signer> {
  return openedOnce(() => hsm.signer(uri, 'timestamp-token', { algorithm, spki: fromBase64(spki) }));
}

/** Needs platform, instance, hsm and tree below it. */
@Module({})
export class TimestampModule {
  static on(imports: DynamicModule[]): DynamicModule {
    return {
      module: TimestampModule,
      imports,
      providers: [
        {
          provide: TIMESTAMP_LEDGER,
          inject: [Trees, INSTANCE, TRUST_MATERIAL, HSM],
          useFactory: (trees: Trees, { services }: Instance, { audit }: TrustMaterial, hsm: Hsm) =>
            openLedger(
              trees,
              ledgerOrigin(services),
              fromBase64(audit.spki),
              openedOnce(() => {
                const { uri, algorithm, spki } = audit;
                return hsm.headSigner(uri, ledgerOrigin(services), { algorithm, spki: fromBase64(spki) });
              }),
            ),
        },
        {
          provide: StampTime,
          inject: [TRUST_MATERIAL, HSM, CLOCK, ClockTrust, TIMESTAMP_LEDGER, METRICS],
          useFactory: (
            material: TrustMaterial,
            hsm: Hsm,
            clock: Clock,
            clockTrust: ClockTrust,
            ledger: TimestampLedger,
            metrics: Metrics,
          ) => {
            // The name is upstream's; every reason why the clock is doubted counts, not only the network's.
            const doubts = metrics.counter(
              'timestamp_authority_ntp_errors_total',
              'Timestamps withheld because the clock was not trusted',
              ['reason'],
            );
            const story = new StampTime({
              authorities: material.timestampAuthorities.map((record) =>
                timestampAuthority(record, keyOf(hsm, record.key)),
              ),
              clock,
              clockTrust,
              ledger,
              random: (length) => randomBytes(length),
              policies: [SIGSTORE_POLICY],
              clockDoubted: (reason) => doubts.inc({ reason }),
            });
            metrics.readGauge(
              'timestamp_authority_certificate_valid_days_remaining',
              'Days until the first certificate of the timestamp chain ends',
              () => story.daysLeft(),
            );
            return story;
          },
        },
      ],
      exports: [StampTime],
    };
  }
}
