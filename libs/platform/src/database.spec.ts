import { describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { connectionOptions, dataSource, isDatabaseAway, openPool } from './database.js';
import { createLogger } from './logging.js';
import { PlatformModule } from './platform.module.js';
import { POOL } from './tokens.js';

const failure = (message: string, code?: string): Error =>
  Object.assign(new Error(message), code === undefined ? {} : { code });

describe('a database that is away', () => {
  test.each([
    failure('connect ECONNREFUSED /run/x/.s.PGSQL.5432', 'ECONNREFUSED'),
    failure('connect ENOENT /run/x/.s.PGSQL.5432', 'ENOENT'),
    failure('write EPIPE', 'EPIPE'),
    failure('the database system is starting up', '57P03'),
    failure('terminating connection due to administrator command', '57P01'),
    failure('sorry, too many clients already', '53300'),
    failure('No space left on device', '53100'),
    failure('Connection terminated unexpectedly'),
    failure('timeout exceeded when trying to connect'),
  ])('is told from a defect: %s', (error) => {
    expect(isDatabaseAway(error)).toBe(true);
  });

  test.each([
    failure('duplicate key', '23505'),
    failure('syntax error', '42601'),
    failure('x'),
    'x',
    undefined,
  ])('is not what %s says', (error) => {
    expect(isDatabaseAway(error)).toBe(false);
  });

  test('makes callers come back', async () => {
    const logger = createLogger({ mode: 'evaluation', log: { level: 'fatal' } }, { write: () => undefined });
    const pool = openPool(
      { host: '/nonexistent', port: 5432, name: 'x', runtimeUser: 'x', connections: 1 } as Parameters<
        typeof openPool
      >[0],
      logger,
    );
    await expect(pool.query('SELECT 1')).rejects.toMatchObject({
      code: 'database/away',
      retryAfterSeconds: 2,
    });
    await pool.end();
  });
});

describe('a connection of the pool', () => {
  const logger = createLogger({ mode: 'evaluation', log: { level: 'fatal' } }, { write: () => undefined });
  const settings = {
    host: '/nonexistent',
    port: 5432,
    name: 'x',
    runtimeUser: 'x',
    connections: 1,
  } as Parameters<typeof openPool>[0];

  test('that breaks while somebody has it does not end the process', async () => {
    const pool = openPool(settings, logger);
    const client = new pg.Client();
    pool.emit('connect', client);
    expect(() => client.emit('error', new Error('Connection terminated unexpectedly'))).not.toThrow();
    await pool.end();
  });

  test('of an appliance holds no lock for ever, where its owner stands still', async () => {
    const { providers = [] } = PlatformModule.on({
      settings: { database: settings },
      logger,
      time: { trust: {} },
    } as unknown as Parameters<typeof PlatformModule.on>[0]);
    const provider = providers.find((one) => 'provide' in one && one.provide === POOL);
    const pool = (provider as { useFactory: () => pg.Pool }).useFactory();
    expect(pool.options.idle_in_transaction_session_timeout).toBeGreaterThanOrEqual(30_000);
    expect(pool.options.idle_in_transaction_session_timeout).toBeLessThanOrEqual(120_000);
    // Whoever checks a whole log by hand may be stopped and go on.
    const other = openPool(settings, logger);
    expect(other.options.idle_in_transaction_session_timeout).toBeUndefined();
    await Promise.all([pool.end(), other.end()]);
  });
});

describe('a database that goes silent', () => {
  const settings = { host: 'db.test', port: 5432, name: 'x', runtimeUser: 'x', connections: 1 } as Parameters<
    typeof connectionOptions
  >[0];

  test.each([
    ['the pool', connectionOptions(settings, 'runtime')],
    ['the entities', dataSource(settings, 'runtime', {}).options.extra as unknown],
  ])('is probed within a minute, not after hours: %s', (_, options) => {
    const { keepAlive, keepAliveInitialDelayMillis: delayMs } = options as ReturnType<
      typeof connectionOptions
    >;
    expect(keepAlive).toBe(true);
    expect(delayMs).toBeGreaterThanOrEqual(1000);
    expect(delayMs).toBeLessThanOrEqual(60_000);
  });
});
