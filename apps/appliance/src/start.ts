/**
 * How an appliance comes up, and goes down.
 *
 *   1. profile  which cryptography is allowed, before anything connects
 *   2. schema   migrated, or checked, before anything can write
 *   3. time     what was signed last, and what the sources say, before anything is dated
 *   4. modules  every capability opens what it needs; a fault here ends the start with one line
 *   5. admin    the socket answers first, so that an operator can look while doors are still shut
 *   6. doors    the public addresses, all of them or none
 *
 * Going down is the same backwards: doors finish what is under way, then the rest is closed.
 */
import type { Server } from 'node:net';
import type { Http2SecureServer } from 'node:http2';
import type { DynamicModule, LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import { type MachineClocks, openTime } from '#clock';
import {
  checkSchema,
  type Clock,
  type Listener,
  type Logger,
  Metrics,
  migrate,
  type Settings,
  systemClock,
} from '#platform';
import { AppModule, type Floor } from './app.module.js';
import { HealthAnswers } from './doors/health/health-answers.js';
import { migrations } from './migrations.js';
import { AdminRoutes } from './server/admin-routes.js';
import { openAdminServer } from './server/admin-server.js';
import { ConnectRoutes } from './server/connect-routes.js';
import { enforceProfile, tlsPolicy } from './server/crypto-profile.js';
import { ErrorFilter } from './server/error.filter.js';
import { cannotListen, Listeners } from './server/listeners.js';
import { openMetricsServer } from './server/metrics-server.js';
import { publicServer } from './server/public-server.js';
import { serveGrpc } from './server/serve-grpc.js';
import { TlsFiles } from './server/tls-files.js';

export interface StartOptions {
  readonly version: string;
  /** Read in place of the time that is believed. */
  readonly clock?: Clock;
  /** The clocks of the machine, where they are not its own. */
  readonly machine?: MachineClocks;
  readonly doors?: (floor: Floor) => DynamicModule[];
}

export interface Appliance {
  /** Where the public doors are, with the ports that they really got. */
  readonly addresses: readonly Listener[];
  readonly metrics: Metrics;
  /** Looks at the certificate's files now instead of within seconds. */
  reloadTls(): void;
  /** Finishes what is under way, up to the deadline of the settings. */
  close(): Promise<void>;
}

/** @throws {Fault} that says what to do next */
export async function startAppliance(
  settings: Settings,
  logger: Logger,
  options: StartOptions,
): Promise<Appliance> {
  enforceProfile(settings.crypto.profile, logger);
  if (settings.database.ownerUser === undefined) await checkSchema(settings.database, migrations);
  else await migrate(settings.database, migrations, logger);

  const time = await openTime(settings, logger, options.machine);
  const clock = options.clock ?? systemClock;
  const metrics = new Metrics();
  metrics
    .gauge('build_info', 'Which build this is', ['version', 'mode'])
    .set({ version: options.version, mode: settings.mode }, 1);
  const tls = new TlsFiles(settings.tls, tlsPolicy(settings.crypto.profile), logger, metrics);
  const adapter = publicServer({ settings, tls: tls.load(), clock, logger, metrics });
  const module = AppModule.on({
    settings,
    logger,
    time,
    metrics,
    ...(options.clock === undefined ? {} : { clock: options.clock }),
    ...(options.doors === undefined ? {} : { doors: options.doors }),
  });
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    bodyParser: false,
    abortOnError: false,
    logger: nestLogger(logger),
  });
  const closers: (() => Promise<void>)[] = [];
  try {
    app.useGlobalFilters(new ErrorFilter(logger));
    serveGrpc(
      adapter.getInstance() as unknown as FastifyInstance,
      app.get(ConnectRoutes, { strict: false }),
      settings.limits.fulcioBodyBytes,
      logger,
    );
    await app.init();

    const health = app.get(HealthAnswers, { strict: false });
    const admin = await openAdminServer({
      socket: settings.listen.admin.socket,
      routes: app.get(AdminRoutes, { strict: false }),
      health,
      metrics,
      logger,
    });
    closers.unshift(() => admin.close());
    if (settings.listen.metrics !== undefined) {
      const server = await openMetricsServer(settings.listen.metrics, metrics);
      closers.unshift(() => server.close());
    }

    const server = app.getHttpServer() as unknown as Http2SecureServer;
    const listeners = new Listeners(server as unknown as Server);
    closers.unshift(() => listeners.stop(() => app.close(), settings.limits.shutdownMs));
    await listen(app, listeners, settings.listen.public);
    tls.follow(server);
    closers.unshift(async () => tls.stop());

    let closing: Promise<void> | undefined;
    return {
      addresses: listeners.addresses(),
      metrics,
      reloadTls: () => tls.refresh(server),
      close: () => (closing ??= closeAll(closers)),
    };
  } catch (error) {
    await closeAll(closers);
    await app.close().catch(() => undefined);
    throw error;
  }
}

async function listen(
  app: NestFastifyApplication,
  listeners: Listeners,
  all: readonly Listener[],
): Promise<void> {
  const [first, ...further] = all;
  if (first === undefined) throw new Error('the settings name no public address');
  try {
    await app.listen(first.port, first.address);
  } catch (cause) {
    throw cannotListen(first, cause);
  }
  for (const listener of further) await listeners.bind(listener);
}

async function closeAll(closers: readonly (() => Promise<void>)[]): Promise<void> {
  for (const close of closers) await close();
}

/** Nest's own chatter, at the levels where it belongs. */
function nestLogger(logger: Logger): LoggerService {
  const nest = logger.child({ part: 'nest' });
  return {
    log: (message: unknown) => nest.debug(String(message)),
    error: (message: unknown) => nest.error(String(message)),
    warn: (message: unknown) => nest.warn(String(message)),
    debug: (message: unknown) => nest.trace(String(message)),
    verbose: (message: unknown) => nest.trace(String(message)),
    fatal: (message: unknown) => nest.fatal(String(message)),
  };
}
