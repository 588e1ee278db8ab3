/**
 * The shell of the appliance on a real database and a real Redis, spoken to as clients do.
 *
 * Long because one appliance is started for all of it: what each protocol sees of the shell differs in a line or two,
 * and a start costs more than all its questions.
 */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect as h2connect } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as tlsConnect } from 'node:tls';
import { create, createFileRegistry, type DescMethodUnary } from '@bufbuild/protobuf';
import {
  file_google_protobuf_wrappers,
  FileDescriptorProtoSchema,
  type StringValue,
  StringValueSchema,
} from '@bufbuild/protobuf/wkt';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  Controller,
  type DynamicModule,
  Get,
  HttpCode,
  Inject,
  Module,
  Post,
  Req,
  Res,
} from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createLogger, type DatabaseSettings, migrate, RUNTIME_ROLE, type Settings } from '#platform';
import { Fault } from '#core/fault';
import { type FreshDatabase, freshDatabase } from '../../../test/kit/kit.js';
import { loopbackCertificate, shellSettings } from '../../../test/kit/shell-settings.js';
import type { Floor } from './app.module.js';
import { AdminRoutes } from './server/admin-routes.js';
import { ConnectRoutes } from './server/connect-routes.js';
import { bodyOf } from './server/request-body.js';
import { type Appliance, startAppliance } from './start.js';

const directory = mkdtempSync(join(tmpdir(), 'shell-'));
const lines: string[] = [];
const logger = createLogger(
  { mode: 'evaluation', log: { level: 'debug' } },
  { write: (line: string) => void lines.push(line) },
);

let database: FreshDatabase;
let appliance: Appliance;
let settings: Settings;
let ca: string;

function settingsFor(name: string, limits: object = {}): Settings {
  return shellSettings(directory, database, {
    listen: {
      public: [
        { address: '127.0.0.1', port: 0 },
        { address: '127.0.0.2', port: 0 },
      ],
      admin: { socket: join(directory, `${name}.sock`) },
    },
    limits,
  });
}

@Controller()
class EchoController {
  @Post('api/v1/log/entries')
  @HttpCode(201)
  v1(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    void reply
      .code(201)
      .header('etag', 'abc')
      .send(`${bodyOf(request).length}`);
  }

  @Post('api/v2/signingCert')
  v2(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    void reply.code(200).send(bodyOf(request).toString('hex'));
  }

  @Get('host')
  host(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    void reply.send(request.hostname);
  }

  @Get('slow')
  async slow(@Res() reply: FastifyReply): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 700));
    await reply.send('done');
  }

  @Get('fault')
  fault(): never {
    throw new Fault('conflict', 'test/moved', 'the world moved');
  }

  @Get('defect')
  defect(): never {
    throw new Error('defect with eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.c2ln inside');
  }
}

const wrappers = file_google_protobuf_wrappers.proto;
const registry = createFileRegistry(
  create(FileDescriptorProtoSchema, {
    name: 'echo.proto',
    package: 'echo',
    syntax: 'proto3',
    dependency: [wrappers.name],
    service: [
      {
        name: 'Echo',
        method: [
          {
            name: 'Say',
            inputType: '.google.protobuf.StringValue',
            outputType: '.google.protobuf.StringValue',
          },
        ],
      },
    ],
  }),
  () => wrappers,
);

const echo = registry.getService('echo.Echo');

function echoMethod(): DescMethodUnary {
  const method = echo?.methods[0];
  if (method?.methodKind !== 'unary') throw new Error('no descriptor');
  return method as DescMethodUnary;
}

@Module({})
class EchoDoorModule {
  constructor(@Inject(ConnectRoutes) connect: ConnectRoutes, @Inject(AdminRoutes) admin: AdminRoutes) {
    connect.add((router) => {
      router.rpc(echoMethod(), (message) => {
        const { value } = message as StringValue;
        return create(StringValueSchema, { value: `${value}!` });
      });
    });
    admin.add((server) => {
      server.post('/v1/echo', (request, reply) => reply.send({ got: request.body }));
      server.get('/v1/fault', () => {
        throw new Fault('refused', 'test/no', 'not like this');
      });
    });
  }

  static on(imports: DynamicModule[]): DynamicModule {
    return { module: EchoDoorModule, imports, controllers: [EchoController] };
  }
}

const doors = (floor: Floor): DynamicModule[] => [EchoDoorModule.on([floor.server])];

interface Answer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly text: string;
}

interface Ask {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: Uint8Array | string;
  readonly at?: number;
  readonly of?: Appliance;
}

function place({ at = 0, of = appliance }: Ask): { host: string; port: number } {
  const listener = of.addresses[at];
  if (listener === undefined) throw new Error('not listening');
  return { host: listener.address, port: listener.port };
}

function h1(path: string, ask: Ask = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      { ...place(ask), path, method: ask.method ?? 'GET', headers: ask.headers ?? {}, ca, agent: false },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(parts).toString(),
          }),
        );
      },
    );
    request.on('error', reject);
    request.end(ask.body);
  });
}

function h2(path: string, ask: Ask = {}): Promise<Answer> {
  const { host, port } = place(ask);
  const session = h2connect(`https://${host}:${port}`, { ca });
  return new Promise<Answer>((resolve, reject) => {
    session.on('error', reject);
    const stream = session.request({ ':path': path, ':method': ask.method ?? 'GET', ...ask.headers });
    const parts: Buffer[] = [];
    let headers: Record<string, unknown> = {};
    stream.on('response', (given) => (headers = { ...given }));
    stream.on('data', (part: Buffer) => parts.push(part));
    stream.on('end', () =>
      resolve({ status: Number(headers[':status']), headers, text: Buffer.concat(parts).toString() }),
    );
    stream.on('error', reject);
    stream.end(ask.body);
  }).finally(() => session.close());
}

function admin(path: string, body?: unknown): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        socketPath: settings.listen.admin.socket,
        path,
        method: body === undefined ? 'GET' : 'POST',
        headers: { 'content-type': 'application/json' },
        agent: false,
      },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(parts).toString(),
          }),
        );
      },
    );
    request.on('error', reject);
    request.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

beforeAll(async () => {
  database = await freshDatabase();
  ca = loopbackCertificate(directory, 'first');
  settings = settingsFor('main');
  appliance = await startAppliance(settings, logger, { version: '1.2.3', doors });
});

afterAll(async () => {
  await appliance.close();
  await database.drop();
  rmSync(directory, { recursive: true });
});

describe.each([
  ['HTTP/1.1', h1],
  ['HTTP/2', h2],
])('the public port over %s', (_name, ask) => {
  test('answers health, and says what not to trust', async () => {
    const ready = await ask('/readyz');
    expect(JSON.parse(ready.text)).toEqual({
      status: 'ok',
      dependencies: {
        database: { status: 'ok' },
        redis: { status: 'ok' },
        clock: { status: 'ok', facts: { time: 'standalone' } },
      },
      mode: 'evaluation',
      time: 'standalone',
      warning: 'DO NOT TRUST: this is an evaluation',
    });
    for (const path of ['/livez', '/healthz', '/ping']) {
      const answer = await ask(path);
      expect([answer.status, answer.text]).toEqual([200, expect.stringContaining('DO NOT TRUST')]);
    }
  });

  test('gives doors the bytes that came, whatever their type', async () => {
    const body = Uint8Array.of(0, 255, 123, 34);
    for (const type of ['application/json', 'text/plain', 'application/x-unheard-of']) {
      const headers = { 'content-type': type };
      const answer = await ask('/api/v2/signingCert', { method: 'POST', headers, body });
      expect([answer.status, answer.text]).toEqual([200, '00ff7b22']);
    }
  });

  test('takes double slashes at the start and one at the end', async () => {
    const headers = { 'content-type': 'application/json' };
    expect((await ask('//api/v2/signingCert', { method: 'POST', headers, body: 'a' })).text).toBe('61');
    const answer = await ask('/api/v1/log/entries/', { method: 'POST', headers, body: 'abc' });
    expect([answer.status, answer.text, answer.headers['etag']]).toEqual([201, '3', 'abc']);
  });

  test('refuses a body that is too large, declared or streamed, in the shape of the path', async () => {
    const body = new Uint8Array(4194305);
    const headers = { 'content-type': 'application/json' };
    const answer = await ask('/api/v2/signingCert', { method: 'POST', headers, body }).catch(() => undefined);
    // Over HTTP/1.1 the connection may be cut while the client still writes; then there is nothing to read.
    if (answer !== undefined) {
      expect([answer.status, JSON.parse(answer.text)]).toEqual([
        413,
        expect.objectContaining({ code: 8, details: [] }),
      ]);
    }
    const declared = await ask('/api/v1/log/entries', {
      method: 'POST',
      headers: { ...headers, 'content-length': '4194305' },
      body,
    });
    expect([declared.status, declared.text]).toEqual([201, '4194305']);
  });

  test('answers unknown paths and methods with JSON', async () => {
    const nothing = await ask('/nothing/here');
    expect([nothing.status, JSON.parse(nothing.text)]).toEqual([
      404,
      expect.objectContaining({ type: 'urn:airseal:fault:server/no-such-path' }),
    ]);
    const other = await ask('/api/v1/log/elsewhere');
    expect([other.status, JSON.parse(other.text)]).toEqual([404, expect.objectContaining({ code: 404 })]);
    expect((await ask('/livez', { method: 'DELETE' })).status).toBe(404);
    expect((await ask('/%zz')).status).toBe(400);
  });

  test('maps a fault, and hides a defect behind the request id', async () => {
    const fault = await ask('/fault', { headers: { 'x-request-id': 'my-id' } });
    expect([fault.status, fault.headers['x-request-id'], JSON.parse(fault.text)]).toEqual([
      409,
      'my-id',
      expect.objectContaining({ detail: 'the world moved', instance: 'urn:airseal:request:my-id' }),
    ]);
    const defect = await ask('/defect', { headers: { 'x-request-id': 'b ad"' } });
    expect(defect.status).toBe(500);
    expect(defect.text).not.toContain('inside');
    expect(defect.headers['x-request-id']).toMatch(/^[0-9a-f]{24}$/);
    const logged = lines.find(
      (line) => line.includes(String(defect.headers['x-request-id'])) && line.includes('defect'),
    );
    expect(logged).toContain('[struck]');
    expect(logged).not.toContain('eyJzdWIi');
  });

  test('lets browsers of any origin read', async () => {
    const preflight = await ask('/api/v2/signingCert', {
      method: 'OPTIONS',
      headers: { origin: 'https://x.example', 'access-control-request-method': 'POST' },
    });
    expect([preflight.status, preflight.headers['access-control-allow-origin']]).toEqual([204, '*']);
  });

  test('neither compresses nor invents an ETag', async () => {
    const answer = await ask('/livez', { headers: { 'accept-encoding': 'gzip, br' } });
    expect(answer.headers['content-encoding']).toBeUndefined();
    expect(answer.headers['etag']).toBeUndefined();
  });

  test('answers on every address, and knows which was asked', async () => {
    expect((await ask('/host', { at: 1 })).text).toBe('127.0.0.2');
  });
});

describe('gRPC on the same port', () => {
  test('answers, uncompressed, and refuses a message that is too large', async () => {
    const { host, port } = place({});
    const transport = createGrpcTransport({ baseUrl: `https://${host}:${port}`, nodeOptions: { ca } });
    const say = async (value: string): Promise<unknown> => {
      const message = create(StringValueSchema, { value });
      return (await transport.unary(echoMethod(), undefined, undefined, undefined, message)).message;
    };
    expect(await say('hello')).toMatchObject({ value: 'hello!' });
    await expect(say('x'.repeat(4194305))).rejects.toThrow('resource_exhausted');
  });
});

describe('the admin socket', () => {
  test('belongs to its owner alone', () => {
    expect(statSync(settings.listen.admin.socket).mode & 0o777).toBe(0o600);
  });

  test('serves metrics under names that boards know', async () => {
    const { text } = await admin('/metrics');
    expect(/requests_in_flight (\d+)/.exec(text)?.[1]).toBe('0');
    expect(text).toContain('build_info{version="1.2.3",mode="evaluation"} 1');
    expect(text).toMatch(/http_requests_total\{door="health",method="get",code="200"\} \d+/);
    expect(text).toMatch(/airseal_tls_certificate_expiry_timestamp_seconds 1\d{9}/);
  });

  test('carries the verbs of doors, and problems', async () => {
    expect(JSON.parse((await admin('/v1/echo', { a: 1 })).text)).toEqual({ got: { a: 1 } });
    const refused = await admin('/v1/fault');
    expect([refused.status, JSON.parse(refused.text)]).toEqual([
      403,
      expect.objectContaining({ detail: 'not like this' }),
    ]);
    expect((await admin('/v1/nothing')).status).toBe(404);
  });

  test('is not taken over from an appliance that answers', async () => {
    await expect(startAppliance(settings, logger, { version: 'x', doors })).rejects.toThrow(
      'another appliance answers',
    );
  });
});

describe('the certificate', () => {
  test('is replaced without a restart, and only by a pair that fits', async () => {
    const before = ca;
    writeFileSync(join(directory, 'cert.pem'), 'nonsense');
    appliance.reloadTls();
    expect((await h1('/livez')).status).toBe(200);
    ca = loopbackCertificate(directory, 'second');
    appliance.reloadTls();
    expect((await h1('/livez', { at: 1 })).status).toBe(200);
    ca = before;
    await expect(h1('/livez')).rejects.toThrow();
    ca = readFileSync(join(directory, 'cert.pem'), 'utf8');
  });
});

describe('the schema', () => {
  class FirstThing1732200000001 implements MigrationInterface {
    async up(run: QueryRunner): Promise<void> {
      await run.query('CREATE TABLE thing (n int)');
      await run.query(`GRANT SELECT, INSERT ON thing TO ${RUNTIME_ROLE}`);
    }
    down(): Promise<void> {
      throw new Error('no way down');
    }
  }
  class SecondThing1732200000002 extends FirstThing1732200000001 {
    override async up(run: QueryRunner): Promise<void> {
      await run.query('ALTER TABLE thing ADD COLUMN m int');
    }
  }

  test('is migrated once by replicas that start together, and an older build refuses it', async () => {
    const other = await freshDatabase();
    const { host, port, name, runtimeUser, ownerUser } = other;
    const target: DatabaseSettings = { host, port, name, runtimeUser, ownerUser, connections: 2 };
    const both = [FirstThing1732200000001, SecondThing1732200000002];
    const ran = await Promise.all([migrate(target, both, logger), migrate(target, both, logger)]);
    expect(ran.flat().sort()).toEqual(['FirstThing1732200000001', 'SecondThing1732200000002']);
    await expect(migrate(target, [FirstThing1732200000001], logger)).rejects.toMatchObject({
      code: 'database/newer-schema',
    });
    await other.drop();
  });
});

describe('a start that cannot succeed', () => {
  test.each([
    ['an unreachable database', { database: { host: '/nowhere', port: 1 } }, 'cannot work with the database'],
    ['a certificate that is not there', { tls: { certificate: '/none.pem' } }, 'cannot read the certificate'],
    [
      'an address of another machine',
      { listen: { public: [{ address: '192.0.2.1', port: 0 }] } },
      'this machine has no such address',
    ],
    ['a taken port', {}, 'another process listens there'],
  ])('says so in one line: %s', async (what, change, message) => {
    const base = settingsFor('failing');
    const taken =
      what === 'a taken port'
        ? { public: [place({})].map(({ host, port }) => ({ address: host, port })) }
        : {};
    const given: Settings = {
      ...base,
      database: { ...base.database, ...('database' in change ? change.database : {}) },
      tls: { ...base.tls, ...('tls' in change ? change.tls : {}) },
      listen: { ...base.listen, ...('listen' in change ? change.listen : {}), ...taken },
    };
    await expect(startAppliance(given, logger, { version: 'x', doors })).rejects.toThrow(message);
  });
});

describe('under pressure', () => {
  test('case 41: turns away what is too much with a hint when to return, but not health', async () => {
    const small = await startAppliance(settingsFor('small', { requestsInFlight: 1 }), logger, {
      version: 'x',
      doors,
    });
    try {
      const slow = h2('/slow', { of: small });
      await new Promise((resolve) => setTimeout(resolve, 200));
      const refused = await h1('/api/v1/log', { of: small });
      expect([refused.status, refused.headers['retry-after'], JSON.parse(refused.text)]).toEqual([
        503,
        '1',
        expect.objectContaining({ code: 503 }),
      ]);
      expect((await h1('/livez', { of: small })).status).toBe(200);
      expect((await slow).text).toBe('done');
      expect((await h1('/host', { of: small })).status).toBe(200);
    } finally {
      await small.close();
    }
  });

  test('counts what gRPC messages hold among all bodies, and says so in their protocol', async () => {
    const tight = await startAppliance(settingsFor('tight', { bodyBytesInFlight: 1048576 }), logger, {
      version: 'x',
      doors,
    });
    const { host, port } = place({ of: tight });
    const session = h2connect(`https://${host}:${port}`, { ca });
    const until = async (least: number, most: number): Promise<void> => {
      let held = Number.NaN;
      for (let tries = 0; tries < 100; tries++) {
        held = Number(/^airseal_http_body_bytes (\d+)/m.exec(await tight.metrics.format())?.[1]);
        if (held >= least && held <= most) return;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      throw new Error(`bodies hold ${held} octets`);
    };
    const post = {
      ':path': '/echo.Echo/Say',
      ':method': 'POST',
      'content-type': 'application/grpc',
      te: 'trailers',
    };
    try {
      const half = session.request(post, { endStream: false });
      half.on('error', () => undefined);
      half.write(Buffer.alloc(900 * 1024));
      await until(800 * 1024, 900 * 1024);
      const late = await h2('/echo.Echo/Say', {
        of: tight,
        method: 'POST',
        headers: { 'content-type': 'application/grpc', te: 'trailers' },
        body: Buffer.alloc(400 * 1024),
      });
      expect([late.status, late.headers['grpc-status'], late.headers['content-type']]).toEqual([
        200,
        '14',
        'application/grpc',
      ]);
      half.close();
      await until(0, 0);
    } finally {
      session.destroy();
      await tight.close();
    }
  });

  test('limits a caller who asks too often, where the settings say so', async () => {
    const strict = await startAppliance(settingsFor('strict', { requestsPerSecond: 1 }), logger, {
      version: 'x',
      doors,
    });
    try {
      const answers = [];
      for (let n = 0; n < 5; n++) answers.push(await h2('/api/v1/log', { of: strict }));
      expect(answers.slice(0, 2).map(({ status }) => status)).toEqual([404, 404]);
      const last = answers.at(-1);
      expect([last?.status, last?.headers['retry-after']]).toEqual([429, '1']);
      expect((await h1('/livez', { of: strict })).status).toBe(200);
      expect((await h1('/api/v1/log', { of: strict, at: 1 })).status).toBe(429);
    } finally {
      await strict.close();
    }
  });
});

describe('a stop', () => {
  test('lets requests finish on every address, and does not wait for idle clients', async () => {
    const stopping = await startAppliance(settingsFor('stopping'), logger, { version: 'x', doors });
    const idle = tlsConnect({ ...place({ of: stopping, at: 1 }), ca });
    await new Promise((resolve) => idle.once('secureConnect', resolve));
    const { host, port } = place({ of: stopping });
    const idleSession = h2connect(`https://${host}:${port}`, { ca });
    await new Promise((resolve) => idleSession.once('connect', resolve));
    const slow = [
      h1('/slow', { of: stopping }),
      h2('/slow', { of: stopping }),
      h1('/slow', { of: stopping, at: 1 }),
    ];
    await new Promise((resolve) => setTimeout(resolve, 150));
    const startedMs = performance.now();
    await stopping.close();
    expect(performance.now() - startedMs).toBeLessThan(3000);
    expect((await Promise.all(slow)).map(({ text }) => text)).toEqual(['done', 'done', 'done']);
    await expect(h1('/livez', { of: stopping })).rejects.toThrow('ECONNREFUSED');
    idle.destroy();
    idleSession.destroy();
  });

  test('cuts what is left at the deadline', async () => {
    const stopping = await startAppliance(settingsFor('cutting', { shutdownMs: 150 }), logger, {
      version: 'x',
      doors,
    });
    const slow = h1('/slow', { of: stopping }).then(
      () => 'done',
      () => 'cut',
    );
    await new Promise((resolve) => setTimeout(resolve, 150));
    await stopping.close();
    expect(await slow).toBe('cut');
  });
});
