/**
 * The certificate authority and the issuer behind their doors, spoken to as clients do.
 *
 * Long because three doors give one certificate: each request is told beside the same one over the other two.
 */
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect as h2connect } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { type DynamicModule, Module } from '@nestjs/common';
import pg from 'pg';
import { RecordEvent } from '#audit';
import { CaModule } from '#ca';
import { formatSct, logIdOf, sctSignedInput } from '#core/ct';
import { fromUtf8, toBase64 } from '#core/octets';
import { parsePem } from '#core/pem';
import { parseCertificate } from '#core/x509';
import { CtLog } from '#ct';
import { HSM } from '#hsm';
import { IdentityModule } from '#identity';
import { INSTANCE, TRUST_MATERIAL } from '#instance';
import { createLogger, type Settings, systemClock } from '#platform';
import { type FreshDatabase, freshDatabase } from '../../../../../test/kit/kit.js';
import { loopbackCertificate, shellSettings } from '../../../../../test/kit/shell-settings.js';
import { recorder } from '../../../../../test/kit/recorder.js';
import { GENESIS_MS, softwarePki } from '../../../../../test/kit/software-pki.js';
import type { Floor } from '../../app.module.js';
import { type Appliance, startAppliance } from '../../start.js';
import { OidcDoorModule } from '../oidc/oidc.module.js';
import { FulcioDoorModule } from './fulcio.module.js';
import { CA } from './generated/fulcio_pb.js';
import { Health, HealthCheckResponse_ServingStatus } from './generated/health_pb.js';

const directory = mkdtempSync(join(tmpdir(), 'fulcio-'));
const lines: string[] = [];
const logger = createLogger(
  { mode: 'evaluation', log: { level: 'debug' } },
  { write: (line: string) => void lines.push(line) },
);
const pki = softwarePki();
const issuerKey = generateKeyPairSync('rsa', { modulusLength: 2048 });
// The issuer's library knows no clock but Date, so Date is held where the CA of the kit is valid; timers run on.
jest.useFakeTimers({
  now: GENESIS_MS + 86_400_000,
  doNotFake: [
    ...(['hrtime', 'nextTick', 'performance', 'queueMicrotask', 'setImmediate', 'clearImmediate'] as const),
    ...(['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] as const),
  ],
});
const clock = systemClock;

let database: FreshDatabase;
let pool: pg.Pool;
let appliance: Appliance;
let settings: Settings;
let ca: string;
let origin: string;

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

function ask(
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { method = 'GET', headers = {}, body } = options;
    const outgoing = httpsRequest(`${origin}${path}`, { ca, method, headers, agent: false }, (response) => {
      let text = '';
      response.on('data', (part: Buffer) => (text += part.toString()));
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, type: response.headers['content-type'] ?? '', text });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

const post = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
  ask(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/pem-certificate-chain', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

function admin(path: string, body: unknown): Promise<{ status: number; body: Record<string, unknown> }> {
  return new Promise((resolve, reject) => {
    const { socket } = settings.listen.admin;
    const headers = { 'content-type': 'application/json' };
    const outgoing = httpRequest(
      { socketPath: socket, path, method: 'POST', headers, agent: false },
      (response) => {
        let text = '';
        response.on('data', (part: Buffer) => (text += part.toString()));
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as Record<string, unknown> });
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(JSON.stringify(body));
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** In the place of tokens, ceremonies and the log's tree: the same keys, in memory. */
@Module({})
class InMemory {
  static on(port: number): DynamicModule {
    const { key, certificate } = pki.codeIntermediate;
    const rsaSpki = new Uint8Array(issuerKey.publicKey.export({ format: 'der', type: 'spki' }));
    const signers: Record<string, object> = {
      'pkcs11:object=ca': {
        ...key,
        uri: 'pkcs11:object=ca',
        sign: (message: Uint8Array) => Promise.resolve(key.sign(message)),
      },
      'pkcs11:object=issuer': {
        uri: 'pkcs11:object=issuer',
        algorithm: 'rsa-2048-sha256',
        spki: rsaSpki,
        sign: (message: Uint8Array) => Promise.resolve(sign('sha256', message, issuerKey.privateKey)),
      },
    };
    const start = new Date(GENESIS_MS).toISOString().replace('.000', '');
    const record = (uri: string, algorithm: string, spki: Uint8Array): object => ({
      uri,
      token: 'online',
      algorithm,
      spki: toBase64(spki),
    });
    const material = {
      mode: 'evaluation',
      certificateAuthorities: [
        {
          key: record('pkcs11:object=ca', key.algorithm, key.spki),
          chain: [certificate, pki.codeRoot.certificate].map(({ der }) => toBase64(der)),
          start,
        },
      ],
      ctLogs: [{ key: record('pkcs11:object=ct', 'ecdsa-p256-sha256', pki.ctLog.spki) }],
      issuer: {
        url: `https://127.0.0.1:${port}/oidc`,
        key: record('pkcs11:object=issuer', 'rsa-2048-sha256', rsaSpki),
      },
    };
    const log = {
      promise: (tbs: Uint8Array, issuerKeyHash: Uint8Array) => {
        const timestampMs = BigInt(clock.nowMs());
        const input = sctSignedInput(timestampMs, { kind: 'precertificate', issuerKeyHash, tbs });
        return Promise.resolve(
          formatSct({ logId: logIdOf(pki.ctLog.spki), timestampMs, signature: pki.ctLog.sign(input) }),
        );
      },
    };
    return {
      module: InMemory,
      providers: [
        { provide: HSM, useValue: { signer: (uri: string) => Promise.resolve(signers[uri]) } },
        { provide: TRUST_MATERIAL, useValue: material },
        { provide: CtLog, useValue: log },
        { provide: INSTANCE, useValue: { subjectPrivacy: {} } },
        { provide: RecordEvent, useValue: recorder() },
      ],
      exports: [HSM, TRUST_MATERIAL, CtLog, INSTANCE, RecordEvent],
    };
  }
}

beforeAll(async () => {
  database = await freshDatabase();
  pool = new pg.Pool({
    host: database.host,
    port: database.port,
    database: database.name,
    user: database.runtimeUser,
  });
  ca = loopbackCertificate(directory, 't');
  const port = await freePort();
  origin = `https://127.0.0.1:${port}`;
  writeFileSync(
    join(directory, 'issuers.yaml'),
    `oidc-issuers:\n  ${origin}/oidc: { issuer-url: "${origin}/oidc", client-id: sigstore, type: email }\n` +
      `meta-issuers:\n  https://oidc.*.example.org/id/*: { client-id: other, type: kubernetes }\n`,
  );
  settings = shellSettings(directory, database, {
    listen: { public: [{ address: '127.0.0.1', port }], admin: { socket: join(directory, 'admin.sock') } },
    identity: { issuers: join(directory, 'issuers.yaml') },
  });
  const doors = ({ platform, server }: Floor): DynamicModule[] => {
    const below = InMemory.on(port);
    const identity = IdentityModule.on([platform, below]);
    const certificates = CaModule.on([platform, below, identity]);
    return [
      FulcioDoorModule.on([platform, server, identity, certificates]),
      OidcDoorModule.on([platform, server, identity]),
    ];
  };
  appliance = await startAppliance(settings, logger, {
    version: '1',
    clock,
    // Date is held, so steady time is too.
    machine: { clock, steadyMs: () => 0 },
    doors,
  });
});

afterAll(async () => {
  await appliance.close();
  await pool.end();
  await database.drop();
  rmSync(directory, { recursive: true });
});

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = pair.publicKey.export({ format: 'pem', type: 'spki' }).toString();
const EMAIL = 'signer@example.org';
const proof = (challenge = EMAIL): Buffer => sign('sha256', fromUtf8(challenge), pair.privateKey);

let machines = 0;
async function freshToken(): Promise<string> {
  const { status, body } = await admin('/admin/v1/machine-identities', {
    name: `m${machines++}`,
    email: EMAIL,
  });
  expect(status).toBe(201);
  expect(body['tokenEndpoint']).toBe(`${origin}/oidc/token`);
  const form = {
    grant_type: 'client_credentials',
    client_id: String(body['clientId']),
    client_secret: String(body['clientSecret']),
  };
  const answer = await ask('/oidc/token', {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString(),
  });
  expect(answer.status).toBe(200);
  return String((JSON.parse(answer.text) as Record<string, unknown>)['access_token']);
}

function v2(token: string | undefined, over: object = {}): object {
  return {
    ...(token === undefined ? {} : { credentials: { oidcIdentityToken: token } }),
    publicKeyRequest: {
      publicKey: { algorithm: 'RSA', content: pem },
      proofOfPossession: proof().toString('base64'),
    },
    unknownMember: { is: 'ignored' },
    ...over,
  };
}

function certificatesOf(text: string): string[] {
  const answer = JSON.parse(text) as { signedCertificateEmbeddedSct: { chain: { certificates: string[] } } };
  expect(Object.keys(answer)).toEqual(['signedCertificateEmbeddedSct']);
  return answer.signedCertificateEmbeddedSct.chain.certificates;
}

function namesOf(certificate = ''): unknown {
  const [block] = parsePem(certificate);
  return parseCertificate(block?.der ?? new Uint8Array()).sans.map((san) =>
    'value' in san ? san.value : san,
  );
}

const refusal = (status: number, code: number, message: unknown): object => ({
  status,
  type: 'application/json',
  error: { code, message, details: [] },
});
const shown = ({ status, type, text }: Answer): object => ({
  status,
  type,
  error: JSON.parse(text) as object,
});

describe('POST /api/v2/signingCert', () => {
  test('answers 200 and JSON, leaf first, PEMs trimmed, with the token in the body or in the header', async () => {
    const token = await freshToken();
    const answers = [
      await post('/api/v2/signingCert', v2(token)),
      await post('//api/v2/signingCert', v2(undefined), { authorization: `Bearer ${token}` }),
    ];
    for (const { status, type, text } of answers) {
      expect({ status, type }).toEqual({ status: 200, type: 'application/json' });
      const certificates = certificatesOf(text);
      expect(certificates).toHaveLength(3);
      for (const certificate of certificates) expect(certificate).toBe(certificate.trim());
      expect(namesOf(certificates[0])).toEqual([EMAIL]);
    }
  });

  test('answers over HTTP/2 as well', async () => {
    const session = h2connect(origin, { ca });
    const stream = session.request({
      ':method': 'POST',
      ':path': '/api/v2/signingCert',
      'content-type': 'application/json',
    });
    const status = new Promise((resolve) => stream.on('response', (headers) => resolve(headers[':status'])));
    stream.end(JSON.stringify(v2(await freshToken())));
    expect(await status).toBe(200);
    stream.resume();
    session.close();
  });

  test('leaves a record of what it signed, without the token', async () => {
    const token = await freshToken();
    const before = await pool.query('SELECT FROM ca_issuance');
    await post('/api/v2/signingCert', v2(token));
    const { rows } = await pool.query<{ all: string }>('SELECT ca_issuance::text AS all FROM ca_issuance');
    expect(rows).toHaveLength((before.rowCount ?? 0) + 1);
    expect(rows.map(({ all }) => all).join()).not.toContain(token);
    expect(lines.join()).not.toContain(token);
  });

  test('says no in the words that clients know, with no record', async () => {
    const token = await freshToken();
    const [head = '', payload = ''] = token.split('.');
    const before = await pool.query('SELECT FROM ca_issuance');
    const publicKey = { content: pem };
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({
      format: 'pem',
      type: 'spki',
    });
    const invalidToken = refusal(400, 3, 'There was an error processing the identity token');
    const cases: readonly (readonly [unknown, object])[] = [
      [v2(undefined), invalidToken],
      [v2('nonsense'), invalidToken],
      [v2(`${head}.${payload}.AAAA`), invalidToken],
      [
        v2(token, { publicKeyRequest: { publicKey, proofOfPossession: proof('other').toString('base64') } }),
        refusal(400, 3, 'The signature supplied in the request could not be verified'),
      ],
      [
        v2(token, { publicKeyRequest: { publicKey } }),
        refusal(400, 3, 'The signature supplied in the request could not be verified'),
      ],
      [
        v2(token, { publicKeyRequest: { publicKey: { content: 'nonsense' } } }),
        refusal(400, 3, 'The public key supplied in the request could not be parsed'),
      ],
      [
        v2(token, { publicKeyRequest: null }),
        refusal(400, 3, 'The public key supplied in the request could not be parsed'),
      ],
      [
        v2(token, { publicKeyRequest: { publicKey: { content: weak } } }),
        refusal(400, 3, 'The public key supplied in the request is insecure'),
      ],
      [
        v2(token, { certificateSigningRequest: toBase64(fromUtf8('x')) }),
        refusal(400, 3, 'The certificate signing request could not be parsed'),
      ],
      [v2(token, { publicKeyRequest: 7 }), refusal(400, 3, expect.stringContaining('publicKeyRequest'))],
      ['', refusal(400, 3, expect.any(String))],
      ['[]', refusal(400, 3, expect.any(String))],
      ['{"a":1,"a":2}', refusal(400, 3, expect.any(String))],
      ['['.repeat(10_000), refusal(400, 3, expect.any(String))],
      ['{"credentials":', refusal(400, 3, expect.any(String))],
    ];
    for (const [body, expected] of cases)
      expect(shown(await post('/api/v2/signingCert', body))).toEqual(expected);
    expect((await pool.query('SELECT FROM ca_issuance')).rowCount).toBe(before.rowCount);
  });
});

describe('the other JSON routes', () => {
  test('POST /api/v1/signingCert answers 201 and a PEM chain, for keys in PEM and in DER', async () => {
    const der = toBase64(new Uint8Array(pair.publicKey.export({ format: 'der', type: 'spki' })));
    for (const content of [toBase64(fromUtf8(pem)), der]) {
      const body = {
        publicKey: { content, algorithm: 'ecdsa' },
        signedEmailAddress: proof().toString('base64'),
      };
      const answer = await post('/api/v1/signingCert', body, {
        authorization: `Bearer ${await freshToken()}`,
      });
      expect([answer.status, answer.type]).toEqual([201, 'application/pem-certificate-chain']);
      expect(answer.text).toBe(answer.text.trim());
      expect(answer.text).not.toContain('\n\n');
      expect(parsePem(answer.text)).toHaveLength(3);
    }
    expect((await post('/api/v1/signingCert', {})).status).toBe(400);
  });

  test('publish the chain to trust and the issuers that are believed', async () => {
    const bundle = JSON.parse((await ask('/api/v2/trustBundle')).text) as {
      chains: { certificates: string[] }[];
    };
    expect(bundle.chains.map(({ certificates }) => certificates.length)).toEqual([2]);
    const root = await ask('/api/v1/rootCert');
    expect([root.status, root.type, parsePem(root.text).length]).toEqual([
      200,
      'application/pem-certificate-chain',
      2,
    ]);
    const rest = { spiffeTrustDomain: '', subjectDomain: '', skipEmailVerification: false };
    expect(JSON.parse((await ask('/api/v2/configuration')).text)).toEqual({
      issuers: [
        {
          issuerUrl: `${origin}/oidc`,
          audience: 'sigstore',
          challengeClaim: 'email',
          issuerType: 'email',
          ...rest,
        },
        {
          wildcardIssuerUrl: 'https://oidc.*.example.org/id/*',
          audience: 'other',
          challengeClaim: 'sub',
          issuerType: 'kubernetes',
          ...rest,
        },
      ],
    });
  });
});

describe('gRPC on the same port', () => {
  const client = <T extends typeof CA | typeof Health>(service: T): ReturnType<typeof createClient<T>> =>
    createClient(service, createGrpcTransport({ baseUrl: origin, nodeOptions: { ca } }));

  test('signs, with the key in one long line as Java writes it', async () => {
    const content = `-----BEGIN PUBLIC KEY-----\n${toBase64(new Uint8Array(pair.publicKey.export({ format: 'der', type: 'spki' })))}\n-----END PUBLIC KEY-----`;
    const answer = await client(CA).createSigningCertificate({
      credentials: { credentials: { case: 'oidcIdentityToken', value: await freshToken() } },
      key: { case: 'publicKeyRequest', value: { publicKey: { content }, proofOfPossession: proof() } },
    });
    expect(answer.certificate.case).toBe('signedCertificateEmbeddedSct');
    const certificates = answer.certificate.value?.chain?.certificates ?? [];
    expect(certificates).toHaveLength(3);
    expect(namesOf(certificates[0])).toEqual([EMAIL]);
  });

  test('says no with the code and the words of Fulcio', async () => {
    await expect(client(CA).createSigningCertificate({})).rejects.toMatchObject({
      code: 3,
      rawMessage: 'There was an error processing the identity token',
    });
  });

  test('publishes chains, issuers and health', async () => {
    expect((await client(CA).getTrustBundle({})).chains[0]?.certificates).toHaveLength(2);
    expect((await client(CA).getConfiguration({})).issuers.map(({ issuer }) => issuer.case)).toEqual([
      'issuerUrl',
      'wildcardIssuerUrl',
    ]);
    expect((await client(Health).check({})).status).toBe(HealthCheckResponse_ServingStatus.SERVING);
  });
});

describe('metrics', () => {
  test('count certificates and time calls under the upstream names', async () => {
    const text = await appliance.metrics.format();
    expect(text).toMatch(/^fulcio_new_certs [1-9]/m);
    expect(text).toMatch(/fulcio_api_latency_count\{method="post",code="400"\} [1-9]/);
  });
});

describe('machine identities', () => {
  test('are refused by name when the request is wrong', async () => {
    expect(await admin('/admin/v1/machine-identities', { name: 'x' })).toMatchObject({ status: 400 });
    expect(await admin('/admin/v1/machine-identities', { name: 'x', email: 'nobody' })).toMatchObject({
      status: 400,
      body: { type: 'urn:airseal:fault:identity/machine' },
    });
    expect(await admin('/admin/v1/machine-identities', { name: 'm0', email: EMAIL })).toMatchObject({
      status: 409,
    });
  });
});
