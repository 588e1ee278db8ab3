import { type DynamicModule, Module } from '@nestjs/common';
import { type Clock, type Logger, type Metrics, PlatformModule, type Settings } from '#platform';
import { HealthDoorModule } from './doors/health/health.module.js';
import { entities } from './migrations.js';
import { ServerModule } from './server/server.module.js';

export interface AppParts {
  readonly settings: Settings;
  readonly logger: Logger;
  readonly clock?: Clock;
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
 */
export function everyDoor(_floor: Floor): DynamicModule[] {
  return [];
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
