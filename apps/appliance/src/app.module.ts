import { type DynamicModule, Module } from '@nestjs/common';
import { AuditModule } from '#audit';
import { CaModule } from '#ca';
import { ClockModule } from '#clock';
import { CtModule } from '#ct';
import { EvidenceModule } from '#evidence';
import { HsmModule } from '#hsm';
import { IdentityModule } from '#identity';
import { InstanceModule } from '#instance';
import { LogModule } from '#log';
import {
  type Clock,
  type ClockWatch,
  type Logger,
  type Metrics,
  PlatformModule,
  type Settings,
} from '#platform';
import { SearchModule } from '#search';
import { TimestampModule } from '#timestamp';
import { TreeModule, type TreesParts } from '#tree';
import { TrustRootModule } from '#trust-root';
import { BoundariesDoorModule } from './doors/boundaries/boundaries.module.js';
import { ClockAdminModule } from './doors/clock/clock-admin.module.js';
import { CtDoorModule } from './doors/ct/ct.module.js';
import { EvidenceAdminModule } from './doors/evidence/evidence-admin.module.js';
import { FulcioDoorModule } from './doors/fulcio/fulcio.module.js';
import { HealthDoorModule } from './doors/health/health.module.js';
import { LogAdminModule } from './doors/logs/log-admin.module.js';
import { VerificationModule } from './doors/logs/verification.module.js';
import { OidcDoorModule } from './doors/oidc/oidc.module.js';
import { RekorV1DoorModule } from './doors/rekor-v1/rekor-v1.module.js';
import { RekorV2DoorModule } from './doors/rekor-v2/rekor-v2.module.js';
import { SearchDoorModule } from './doors/search/search.module.js';
import { StatementsDoorModule } from './doors/statements/statements.module.js';
import { TimestampDoorModule } from './doors/timestamp/timestamp.module.js';
import { TufDoorModule } from './doors/tuf/tuf.module.js';
import { entities } from './migrations.js';
import { ServerModule } from './server/server.module.js';
import { VERSION } from './version.js';

export interface AppParts {
  readonly settings: Settings;
  readonly logger: Logger;
  readonly clock?: Clock;
  readonly time?: ClockWatch;
  readonly metrics?: Metrics;
  /** The doors to open on the ground floor; all of them unless a test says otherwise. */
  readonly doors?: (floor: Floor) => DynamicModule[];
}

/** What every capability and door stands on. */
export interface Floor {
  readonly platform: DynamicModule;
  readonly server: DynamicModule;
}

/**
 * Every capability, then every door, from the ground up. A module is made once and handed by reference to
 * each that imports it, since Nest tells dynamic modules apart by identity.
 *
 * @param barrier crash tests only; neither a setting nor the program's arguments lead here
 */
export function everyDoor({ platform, server }: Floor, barrier?: TreesParts['barrier']): DynamicModule[] {
  const instance = InstanceModule.on([platform]);
  const hsm = HsmModule.on([platform]);
  const tree = TreeModule.on([platform], barrier);
  const base = [platform, instance, hsm];

  const log = LogModule.on([...base, tree]);
  const ct = CtModule.on([...base, tree]);
  const timestamp = TimestampModule.on([...base, tree]);
  const audit = AuditModule.on([...base, tree, log, timestamp], VERSION);
  const clock = ClockModule.on([platform, audit]);
  const search = SearchModule.on([...base, log, audit]);
  const identity = IdentityModule.on([...base, audit]);
  const ca = CaModule.on([...base, identity, ct, audit]);
  const trustRoot = TrustRootModule.on(base);
  const evidence = EvidenceModule.on([...base, audit, trustRoot]);

  return [
    FulcioDoorModule.on([platform, server, identity, ca]),
    OidcDoorModule.on([platform, server, identity]),
    RekorV1DoorModule.on([platform, log]),
    RekorV2DoorModule.on([platform, log]),
    CtDoorModule.on([platform, ct]),
    LogAdminModule.on([platform, server, tree]),
    VerificationModule.on([platform, server, tree, audit]),
    TimestampDoorModule.on([platform, timestamp]),
    TufDoorModule.on([platform, trustRoot]),
    ClockAdminModule.on([platform, server, audit, clock, identity]),
    BoundariesDoorModule.on([platform, audit]),
    SearchDoorModule.on([platform, search]),
    StatementsDoorModule.on([platform, search]),
    EvidenceAdminModule.on([platform, server, evidence]),
  ];
}

@Module({})
export class AppModule {
  static on(parts: AppParts): DynamicModule {
    const platform = PlatformModule.on({ ...parts, entities });
    const server = ServerModule.on([platform]);
    const doors = (parts.doors ?? everyDoor)({ platform, server });
    return { module: AppModule, imports: [platform, server, HealthDoorModule.on([platform]), ...doors] };
  }
}
