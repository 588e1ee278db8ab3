/**
 * TLS towards a database and a Redis on the network.
 *
 * The servers of the kit listen on Unix sockets; a small TLS front before each makes it a server on the
 * network, whose certificate we choose.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer, TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type FreshDatabase, freshDatabase, redisSocket } from '../../../test/kit/kit.js';
import { dataSource, openPool } from './database.js';
import { createLogger } from './logging.js';
import { checkSchema, migrate } from './migrate.js';
import { Queues } from './queue.js';
import type { DatabaseSettings } from './settings.js';

const directory = mkdtempSync(join(tmpdir(), 'tls-'));
const logger = createLogger({ mode: 'evaluation', log: { level: 'fatal' } }, { write: () => undefined });
const fronts: Server[] = [];
let database: FreshDatabase;

function certificate(name: string, subjectAltName: string): { cert: Buffer; key: Buffer; ca: string } {
  const [key, cert] = [join(directory, `${name}.key`), join(directory, `${name}.pem`)];
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
      ...[
        '-subj',
        `/CN=${name}`,
        '-addext',
        `subjectAltName=${subjectAltName}`,
        '-keyout',
        key,
        '-out',
        cert,
      ],
    ],
    { stdio: 'ignore' },
  );
  return { cert: readFileSync(cert), key: readFileSync(key), ca: cert };
}

async function listen(server: Server): Promise<number> {
  fronts.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

function join2(one: Socket, other: Socket): void {
  one.pipe(other).pipe(one);
  for (const [near, far] of [
    [one, other],
    [other, one],
  ] as const) {
    near.on('error', () => undefined);
    near.on('close', () => far.destroy());
  }
}

/** PostgreSQL asks in the clear whether TLS is spoken, and upgrades the same connection. */
function postgresFront(socketPath: string, pair: { cert: Buffer; key: Buffer }): Promise<number> {
  return listen(
    createServer((raw) => {
      raw.on('error', () => undefined);
      raw.once('data', (request) => {
        if (request.length !== 8 || request.readInt32BE(4) !== 80877103) {
          raw.destroy();
          return;
        }
        raw.write('S');
        join2(new TLSSocket(raw, { isServer: true, ...pair }), connect(socketPath));
      });
    }),
  );
}

function redisFront(socketPath: string, pair: { cert: Buffer; key: Buffer }): Promise<number> {
  return listen(createTlsServer(pair, (socket) => join2(socket, connect(socketPath))));
}

beforeAll(async () => {
  database = await freshDatabase();
});

afterAll(async () => {
  for (const front of fronts) front.close();
  await database.drop();
  rmSync(directory, { recursive: true });
});

function networked(port: number, host: string, ca: string): DatabaseSettings {
  const { name, runtimeUser, ownerUser } = database;
  return { host, port, name, runtimeUser, ownerUser, connections: 2, tls: { ca } };
}

describe('a database on the network', () => {
  test.each([
    ['a name', 'localhost', 'DNS:localhost'],
    ['an address', '127.0.0.1', 'IP:127.0.0.1'],
  ])('is reached through TLS under %s that its certificate carries', async (_what, host, subjectAltName) => {
    const pair = certificate('good', subjectAltName);
    const port = await postgresFront(join(database.host, `.s.PGSQL.${database.port}`), pair);
    const settings = networked(port, host, pair.ca);
    await migrate(settings, [], logger);
    await checkSchema(settings, []);
    const pool = openPool(settings, logger);
    expect((await pool.query('SELECT current_user AS me')).rows).toEqual([{ me: database.runtimeUser }]);
    await pool.end();
    const source = await dataSource(settings, 'runtime', {}).initialize();
    expect(await source.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await source.destroy();
  });

  test.each([
    ['a certificate of an unknown authority', 'DNS:localhost', true],
    ['a certificate for another name', 'DNS:elsewhere', false],
  ])('is refused with %s', async (_what, subjectAltName, otherAuthority) => {
    const pair = certificate('bad', subjectAltName);
    const ca = otherAuthority ? certificate('other', 'DNS:localhost').ca : pair.ca;
    const port = await postgresFront(join(database.host, `.s.PGSQL.${database.port}`), pair);
    await expect(migrate(networked(port, 'localhost', ca), [], logger)).rejects.toMatchObject({
      code: 'database/unreachable',
    });
  });
});

describe('a Redis on the network', () => {
  test('is reached through TLS, and refused with a certificate of an unknown authority', async () => {
    const pair = certificate('redis', 'DNS:localhost');
    const port = await redisFront(redisSocket(), pair);
    const good = new Queues({ host: 'localhost', port, tls: { ca: pair.ca } }, logger);
    await good.probe();
    const job = await good.queue<{ n: number }>(`tls-${port}`).add({ n: 7 });
    expect(job.data).toEqual({ n: 7 });
    await good.queue(`tls-${port}`).obliterate({ force: true });
    await good.close();
    const bad = new Queues(
      { host: 'localhost', port, tls: { ca: certificate('other2', 'DNS:localhost').ca } },
      logger,
    );
    await expect(bad.probe()).rejects.toMatchObject({ code: 'queue/unreachable' });
    await bad.close();
  });
});
