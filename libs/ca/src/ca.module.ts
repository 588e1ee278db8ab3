import { randomBytes } from 'node:crypto';
import { type DynamicModule, Module } from '@nestjs/common';
import type pg from 'pg';
import { RecordEvent } from '#audit';
import { fromBase64 } from '#core/octets';
import { CtLog } from '#ct';
import { type Hsm, HSM } from '#hsm';
import { ProveIdentity } from '#identity';
import { INSTANCE, type Instance, TRUST_MATERIAL, type TrustMaterial } from '#instance';
import { type Clock, CLOCK, ClockTrust, POOL } from '#platform';
import { PostgresIssuanceJournal } from './issuance-record.js';
import { IssueCertificate, logKeysOf } from './issue-certificate.js';
import { issuingCa, openedOnce } from './issuing-ca.js';

@Module({})
export class CaModule {
  static on(imports: DynamicModule[]): DynamicModule {
    return {
      module: CaModule,
      imports,
      providers: [
        {
          provide: IssueCertificate,
          inject: [ProveIdentity, TRUST_MATERIAL, HSM, CtLog, POOL, CLOCK, ClockTrust, RecordEvent, INSTANCE],
          useFactory: (
            identities: ProveIdentity,
            material: TrustMaterial,
            hsm: Hsm,
            log: CtLog,
            pool: pg.Pool,
            clock: Clock,
            clockTrust: ClockTrust,
            audit: RecordEvent,
            { subjectPrivacy }: Instance,
          ) =>
            new IssueCertificate({
              identities,
              authorities: material.certificateAuthorities.map((authority) =>
                issuingCa(
                  authority,
                  openedOnce(async () => {
                    const { uri, algorithm, spki } = authority.key;
                    const expected = { algorithm, spki: fromBase64(spki) };
                    return {
                      precertificate: await hsm.signer(uri, 'precertificate', expected),
                      certificate: await hsm.signer(uri, 'certificate', expected),
                    };
                  }),
                ),
              ),
              log,
              logKeys: logKeysOf(material.ctLogs.map(({ key }) => fromBase64(key.spki))),
              journal: new PostgresIssuanceJournal(pool, audit, subjectPrivacy),
              clock,
              clockTrust,
              random: (length) => randomBytes(length),
              mode: material.mode,
            }),
        },
      ],
      exports: [IssueCertificate],
    };
  }
}
