export { HeldClock, systemClock, type Clock } from './clock.js';
export { ClockTrust, type ClockState } from './clock-trust.js';
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
