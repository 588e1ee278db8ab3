/**
 * The appliance as a process.
 *
 *   --settings PATH   the settings (default /etc/airseal/airseal.yaml)
 *   --check           print the effective settings, references unresolved, and exit
 *   --migrate         bring the schema up to this build and exit
 *   --settings-page   print docs/settings.md and exit
 *   --openapi DIR     write an OpenAPI document per door and exit
 *
 * A start that cannot succeed ends with one line that says what to do, and the exit code of its fault.
 */
import 'reflect-metadata';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import { EXIT_CODE, isFault } from '#core/fault';
import {
  createLogger,
  formatSettingsPage,
  loadSettings,
  migrate,
  type Logger,
  type Settings,
} from '#platform';
import { migrations } from './migrations.js';
import { formatDocument } from './openapi/document.js';
import { everyDeclaration } from './openapi/every-declaration.js';
import { startAppliance } from './start.js';
import { VERSION } from './version.js';

const { values } = parseArgs({
  options: {
    settings: { type: 'string', default: '/etc/airseal/airseal.yaml' },
    check: { type: 'boolean', default: false },
    migrate: { type: 'boolean', default: false },
    'settings-page': { type: 'boolean', default: false },
    openapi: { type: 'string' },
  },
});

/** What closing the token, the queues and the database may take once the doors are shut. */
const STOP_GRACE_MS = 5000;

let logger: Logger | undefined;
try {
  if (values['settings-page']) process.stdout.write(formatSettingsPage());
  else if (values.openapi !== undefined) writeOpenApi(values.openapi);
  else {
    const settings = loadSettings(values.settings);
    if (values.check) process.stdout.write(stringify(settings));
    else {
      logger = createLogger(settings);
      if (values.migrate) await migrate(settings.database, migrations, logger);
      else await serve(settings, logger);
    }
  }
} catch (error) {
  fail(error);
}

async function serve(settings: Settings, log: Logger): Promise<void> {
  const startedMs = performance.now();
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) process.on(event, fail);
  const appliance = await startAppliance(settings, log, { version: VERSION });
  log.info(
    { addresses: appliance.addresses, ms: Math.round(performance.now() - startedMs), version: VERSION },
    'ready',
  );
  if (settings.mode !== 'production') log.warn(`DO NOT TRUST: this is an appliance in mode ${settings.mode}`);

  process.on('SIGHUP', () => appliance.reloadTls());
  let stopping = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (stopping) process.exit(1);
    stopping = true;
    log.info({ signal }, 'stopping');
    // Everything durable is in PostgreSQL already; a stop that hangs is worse than one that is cut.
    setTimeout(
      () => fail(new Error('the stop took too long')),
      settings.limits.shutdownMs + STOP_GRACE_MS,
    ).unref();
    appliance.close().then(() => {
      log.info('stopped');
      process.exit(0);
    }, fail);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

function writeOpenApi(directory: string): void {
  mkdirSync(directory, { recursive: true });
  for (const door of everyDeclaration)
    writeFileSync(join(directory, `${door.name}.json`), formatDocument(door));
}

function fail(error: unknown): never {
  logger?.fatal({ err: error }, 'the appliance stops');
  const reason = isFault(error)
    ? error.message
    : error instanceof Error
      ? `${error.name}: ${error.message}`
      : String(error);
  process.stderr.write(`airseal: ${reason}\n`);
  process.exit(isFault(error) ? EXIT_CODE[error.kind] : 1);
}
