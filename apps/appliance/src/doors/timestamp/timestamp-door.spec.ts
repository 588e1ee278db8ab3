/** The door on Fastify without a network: statuses, headers and bodies as clients see them. */
import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { boolean, integer, nullValue, objectIdentifier, octetString, sequence } from '#core/der';
import { sha256 } from '#core/crypto';
import { Fault } from '#core/fault';
import { fromUtf8, toBase64, toHex } from '#core/octets';
import { parsePem } from '#core/pem';
import { SIGSTORE_POLICY } from '#core/timestamp';
import { HeldClock, LOGGER, METRICS, Metrics } from '#platform';
import { StampTime, timestampAuthority } from '#timestamp';
import { GENESIS_MS, pseudoRandom, softwarePki } from '../../../../../test/kit/software-pki.js';
import { TimestampDoorModule } from './timestamp.module.js';

const pki = softwarePki();
const metrics = new Metrics(false);
let ledgerFails = false;
const stampTime = new StampTime({
  authorities: [
    timestampAuthority(
      {
        key: {
          uri: 'pkcs11:object=tsa-leaf',
          token: 'online',
          algorithm: 'ecdsa-p256-sha256',
          spki: toBase64(pki.tsaLeaf.key.spki),
        },
        chain: [pki.tsaLeaf, pki.tsaIntermediate, pki.timeRoot].map(({ certificate }) =>
          toBase64(certificate.der),
        ),
        url: 'https://tsa.example/api/v1/timestamp',
        start: '2026-11-21T10:00:00Z',
      },
      async () => ({
        uri: 'pkcs11:object=tsa-leaf',
        algorithm: 'ecdsa-p256-sha256',
        spki: pki.tsaLeaf.key.spki,
        sign: async (message) => pki.tsaLeaf.key.sign(message),
      }),
    ),
  ],
  clock: new HeldClock(GENESIS_MS + 60_000),
  clockTrust: { check: () => undefined },
  ledger: {
    record: async () => {
      if (ledgerFails)
        throw new Fault('unavailable', 'tree/storage', 'no database', { retryAfterSeconds: 3 });
    },
  },
  random: () => pseudoRandom('serial'),
  policies: [SIGSTORE_POLICY],
});

const silent = {
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  fatal: () => undefined,
  debug: () => undefined,
};

@Module({
  providers: [
    { provide: LOGGER, useValue: silent },
    { provide: METRICS, useValue: metrics },
    { provide: StampTime, useValue: stampTime },
  ],
  exports: [LOGGER, METRICS, StampTime],
})
class Below {}

let app: NestFastifyApplication;

beforeAll(async () => {
  const adapter = new FastifyAdapter();
  const server = adapter.getInstance();
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app = await NestFactory.create<NestFastifyApplication>(
    TimestampDoorModule.on([{ module: Below }]),
    adapter,
    {
      bodyParser: false,
      logger: false,
      abortOnError: false,
    },
  );
  await app.init();
});
afterAll(async () => {
  await app.close();
});

const digest = sha256(fromUtf8('signature'));
function query(oid = '2.16.840.1.101.3.4.2.1', hash = digest, ...more: readonly Uint8Array[]): Buffer {
  return Buffer.from(
    sequence(integer(1), sequence(sequence(objectIdentifier(oid), nullValue()), octetString(hash)), ...more),
  );
}

interface Answer {
  readonly status: number;
  readonly type: string | undefined;
  readonly body: Buffer;
}

async function post(
  contentType: string,
  payload: Buffer | string,
): Promise<Answer & { readonly headers: object }> {
  const { statusCode, headers, rawPayload } = await app.inject({
    method: 'POST',
    url: '/api/v1/timestamp',
    headers: { 'content-type': contentType },
    payload,
  });
  return { status: statusCode, type: headers['content-type']?.toString(), body: rawPayload, headers };
}

const QUERY = 'application/timestamp-query';

describe('POST /api/v1/timestamp', () => {
  test('answers 200 and a timestamp reply to a DER query', async () => {
    const answer = await post(QUERY, query());
    expect([answer.status, answer.type]).toEqual([200, 'application/timestamp-reply']);
    expect(toHex(answer.body)).toContain(`0420${toHex(digest)}`);
    expect(toHex(answer.body).slice(8, 18)).toBe('3003020100');
  });

  test('answers the same to JSON, echoing the nonce and embedding the certificate when asked', async () => {
    const hash = toBase64(digest);
    const text = `{"artifactHash":"${hash}","hashAlgorithm":"sha256","nonce":18446744073709551617,"certificates":true}`;
    const answer = await post('application/json; charset=utf-8', text);
    expect(answer.status).toBe(200);
    expect(toHex(answer.body)).toContain(toHex(integer(18_446_744_073_709_551_617n)));
    expect(toHex(answer.body)).toContain(toHex(pki.tsaLeaf.certificate.der));
  });

  test.each([
    ['SHA-1', query('1.3.14.3.2.26', new Uint8Array(20)), 'Weak hash algorithm in timestamp request'],
    [
      'a digest of the wrong length',
      query(undefined, new Uint8Array(31)),
      'Message digest has incorrect length for specified algorithm',
    ],
    [
      'another policy',
      query(undefined, digest, objectIdentifier('1.2.3.4')),
      'unaccepted policy: requested TSA policy is not supported by the TSA',
    ],
    [
      'extensions',
      query(undefined, digest, boolean(true), Uint8Array.of(0xa0, 0)),
      'unaccepted extension: requested extensions are not supported by the TSA',
    ],
    ['something else', Buffer.from('x'), 'Error generating timestamp response'],
    ['nothing', Buffer.alloc(0), 'Error generating timestamp response'],
  ])('answers 400 to %s, with code and message', async (_, payload, message) => {
    const answer = await post(QUERY, payload);
    expect([answer.status, answer.type]).toEqual([400, 'application/json']);
    expect(answer.body.toString()).toBe(`${JSON.stringify({ code: 400, message })}\n`);
  });

  test('answers 400 to JSON of more than 1024 octets', async () => {
    const answer = await post('application/json', JSON.stringify({ nonce: '9'.repeat(1024) }));
    expect(JSON.parse(answer.body.toString())).toEqual({
      code: 400,
      message: 'timestamp request is too large',
    });
  });

  test.each(['text/plain', 'application/octet-stream', 'application/jsonx'])(
    'answers 415 to %s',
    async (type) => {
      const answer = await post(type, query());
      expect([answer.status, answer.type]).toEqual([415, 'application/json']);
      expect(JSON.parse(answer.body.toString())).toMatchObject({ code: 415 });
    },
  );

  test('answers 503 and when to come back while the ledger cannot be written', async () => {
    ledgerFails = true;
    try {
      const answer = await post(QUERY, query());
      expect(answer.status).toBe(503);
      expect(answer.headers).toMatchObject({ 'retry-after': '3' });
      expect(JSON.parse(answer.body.toString())).toEqual({
        code: 503,
        message: 'Error generating timestamp response',
      });
    } finally {
      ledgerFails = false;
    }
  });
});

test('GET /api/v1/timestamp/certchain answers PEM, leaf first and root last', async () => {
  const answer = await app.inject({ method: 'GET', url: '/api/v1/timestamp/certchain' });
  expect([answer.statusCode, answer.headers['content-type']]).toEqual([
    200,
    'application/pem-certificate-chain',
  ]);
  const chain = [pki.tsaLeaf, pki.tsaIntermediate, pki.timeRoot].map(({ certificate }) =>
    toHex(certificate.der),
  );
  expect(parsePem(answer.payload).map(({ der }) => toHex(der))).toEqual(chain);
});

test('requests are counted under the names that boards know', async () => {
  const text = await metrics.format();
  expect(text).toMatch(
    /timestamp_authority_http_requests_total\{code="200",path="\/api\/v1\/timestamp",method="POST"\} \d/,
  );
  expect(text).toMatch(
    /timestamp_authority_http_requests_total\{code="415",path="\/api\/v1\/timestamp",method="POST"\} 3/,
  );
  expect(text).toContain('timestamp_authority_api_latency_count{path="/api/v1/timestamp",code="400"}');
});
