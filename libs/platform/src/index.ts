export { HeldClock, systemClock, type Clock } from './clock.js';
export {
  type ClockReport,
  type ClockStanding,
  type ClockState,
  ClockTrust,
  type SourceReport,
} from './clock-trust.js';
export type { ClockChange } from './time/clock-changes.js';
export { ClockWatch } from './time/clock-watch.js';
export { DeclaredSource, type Declaration } from './time/declared-source.js';
export { isStandalone, openSources } from './time/open-sources.js';
export { type Reading, steadyClock, type SteadyMs, type TimeSource } from './time/time-source.js';
export {
  connectionOptions,
  dataSource,
  openPool,
  RUNTIME_ROLE,
  type DatabaseRole,
  type Entity,
  type Migration,
} from './database.js';
export {
  HealthProbes,
  type DependencyState,
  type Probe,
  type ProbeFacts,
  type ProbeOptions,
  type Readiness,
} from './health.js';
export { createLogger, logError, strikeSecrets, type Logger } from './logging.js';
export { Metrics } from './metrics.js';
export { checkSchema, migrate } from './migrate.js';
export { PlatformModule, type PlatformParts } from './platform.module.js';
export { PROBLEM_JSON, problemOf, type Problem } from './problem.js';
export { Queues, type Job, type Queue } from './queue.js';
export { readSecret } from './secret.js';
export {
  loadSettings,
  parseClock,
  parseLimits,
  parseSettings,
  Settings,
  TokenSettings,
  type DatabaseSettings,
  type Listener,
  type RedisSettings,
} from './settings.js';
export { formatSettingsPage } from './settings-page.js';
export { CLOCK, DATA_SOURCE, LOGGER, METRICS, POOL, QUEUES, SETTINGS } from './tokens.js';
