/** Bad input on the doors of the certificate log, time, trust, the issuer, and on the server before any door. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { installation } from '../kit/index.js';
import { longLength, withTrailingOctet } from './hostile-text.js';
import { expectOpenApiError, expectPlainError, expectProblem } from './refusals.js';
import { machineCredentials } from './signer.js';
import { timestampRequest } from './timestamp-requests.js';
import { traces, TRACES_BEFORE_MS, tracesBefore } from './traces.js';
import { ctKey, trustedRoot } from './trust.js';
import { announce, ask, exchange, post } from './wire.js';

const { origin } = installation();

let before: unknown;
beforeAll(async () => {
  before = await tracesBefore();
}, TRACES_BEFORE_MS);

describe('the certificate log', () => {
  const base = `${new URL(ctKey().baseUrl).pathname}/ct/v1`;
  const [authority] = trustedRoot().certificateAuthorities;
  const [intermediate = '', root = ''] =
    authority?.certChain.certificates.map(({ rawBytes }) => rawBytes) ?? [];
  const [foreign = ''] =
    trustedRoot().timestampAuthorities[0]?.certChain.certificates.map(({ rawBytes }) => rawBytes) ?? [];
  const trailing = withTrailingOctet(Buffer.from(intermediate, 'base64')).toString('base64');

  test.each<[string, unknown]>([
    ['no chain', {}],
    ['an empty chain', { chain: [] }],
    ['a chain of text', { chain: ['x'] }],
    ['a chain of numbers', { chain: [1, 2] }],
    ['no certificates', { chain: ['AAAA', 'AAAA'] }],
    ['half a certificate', { chain: [intermediate.slice(0, 400), root] }],
    ['a certificate with data behind it', { chain: [trailing, root] }],
    ['a certificate of another authority', { chain: [foreign] }],
    ['a chain in the wrong order', { chain: [root, intermediate] }],
    ['a chain without end', { chain: Array.from({ length: 500 }, () => intermediate) }],
    ['a name twice', '{"chain":[],"chain":[]}'],
    ['half an object', '{"chain":['],
    ['deep nesting', `{"chain":${'['.repeat(10_000)}${']'.repeat(10_000)}}`],
    ['nothing', ''],
  ])('refuses %s in plain text', async (name, body) => {
    expectPlainError(name, await post(origin, `${base}/add-pre-chain`, body), 400);
    expectPlainError(name, await post(origin, `${base}/add-chain`, body), 400);
  });

  test('refuses a certificate where a precertificate is asked for', async () => {
    expectPlainError(
      'add-pre-chain',
      await post(origin, `${base}/add-pre-chain`, { chain: [intermediate, root] }),
      400,
    );
  });

  test.each([
    'get-entries',
    'get-entries?start=0',
    'get-entries?start=-1&end=0',
    'get-entries?start=1&end=0',
    'get-entries?start=999999999&end=999999999',
    'get-entries?start=0x0&end=1',
    'get-entries?start=0&end=99999999999999999999',
    'get-entries?start=0&start=1&end=1',
    'get-sth-consistency?first=2&second=1',
    'get-sth-consistency?first=1&second=999999999',
    'get-sth-consistency?first=a&second=b',
    'get-proof-by-hash?hash=x&tree_size=1',
    `get-proof-by-hash?hash=${'A'.repeat(43)}%3D&tree_size=0`,
    `get-proof-by-hash?hash=${'A'.repeat(43)}%3D&tree_size=999999999`,
    'get-entry-and-proof?leaf_index=5&tree_size=1',
    'get-entry-and-proof?leaf_index=0',
  ])('refuses %s in plain text', async (path) => {
    expectPlainError(path, await ask(origin, { path: `${base}/${path}` }), 400);
  });

  test('has no log of another name', async () => {
    expectPlainError('get-sth', await ask(origin, { path: '/ct/1999/ct/v1/get-sth' }), 404);
    expectPlainError(
      'hash',
      await ask(origin, { path: `${base}/get-proof-by-hash?hash=${'A'.repeat(43)}%3D&tree_size=1` }),
      404,
    );
  });
});

describe('the timestamp authority', () => {
  const PATH = '/api/v1/timestamp';
  const good = timestampRequest();
  const digest = createHash('sha256').update('x').digest('base64');
  const json = (change: string): string => `{"artifactHash":"${digest}","hashAlgorithm":"sha256"${change}}`;

  test.each<[string, Buffer]>([
    ['nothing', Buffer.alloc(0)],
    ['garbage', Buffer.from('garbage')],
    ['half a request', good.subarray(0, -5)],
    ['data behind the request', withTrailingOctet(good)],
    ['a length of more octets than needed', longLength(good)],
    [
      'a length without end',
      Buffer.concat([Buffer.from([0x30, 0x80]), good.subarray(2), Buffer.from([0, 0])]),
    ],
    ['a length beyond the end', Buffer.from('30847fffffff', 'hex')],
    ['version 2', timestampRequest({ version: 2 })],
    ['a nonce in more octets than needed', timestampRequest({ nonce: Buffer.from([0, 0, 1]) })],
    ['a nonce of no octets', timestampRequest({ nonce: Buffer.alloc(0) })],
    ['a digest that is too long', timestampRequest({ digest: Buffer.alloc(64) })],
  ])('refuses %s with 400', async (name, body) => {
    expectOpenApiError(
      name,
      await post(origin, PATH, body, { 'Content-Type': 'application/timestamp-query' }),
      400,
    );
  });

  test.each<[string, string]>([
    ['nothing', ''],
    ['half an object', '{"artifactHash":'],
    ['a list', '[]'],
    ['a name twice', json(',"certificates":false,"certificates":true')],
    ['deep nesting', json(`,"x":${'['.repeat(300)}${']'.repeat(300)}`)],
    ['data behind the end', `${json('')}{}`],
    ['more than a kibibyte', json(`,"x":"${'x'.repeat(1024)}"`)],
    ['no digest', '{"hashAlgorithm":"sha256"}'],
    ['no algorithm', `{"artifactHash":"${digest}"}`],
    ['an algorithm in the prototype', `{"artifactHash":"${digest}","hashAlgorithm":"constructor"}`],
    ['SHA-1', '{"artifactHash":"AAAAAAAAAAAAAAAAAAAAAAAAAAA=","hashAlgorithm":"sha1"}'],
    ['a digest of another length', '{"artifactHash":"AAAA","hashAlgorithm":"sha256"}'],
    ['a nonce that is text', json(',"nonce":"1"')],
    ['a nonce with a fraction', json(',"nonce":1.5')],
    ['a policy that is none', json(',"tsaPolicyOID":"9.9.9"')],
    ['certificates as text', json(',"certificates":"true"')],
  ])('refuses JSON with %s with 400', async (name, body) => {
    expectOpenApiError(name, await post(origin, PATH, body), 400);
  });

  test('refuses more than a mebibyte with 413, and other methods', async () => {
    expectOpenApiError('413', await announce(origin, PATH, 1024 * 1024 + 1), 413);
    expectOpenApiError('GET', await ask(origin, { path: PATH }), [404, 405]);
  });
});

describe('the trust repository', () => {
  test.each([
    '/tuf/../trust/trust-material.json',
    '/tuf/%2e%2e/airseal.yaml',
    '/tuf/..%2fairseal.yaml',
    '/tuf/..%5cairseal.yaml',
    '/tuf/..%252fairseal.yaml',
    '/tuf/targets/../../secrets/online.pin',
    '/tuf/targets/..%2f..%2fsecrets%2fonline.pin',
    '/tuf/%2fetc%2fpasswd',
    '/tuf//etc/passwd',
    '/tuf/.',
    '/tuf/..',
    '/tuf/targets',
    '/tuf/targets/',
    '/tuf/01.root.json',
    '/tuf/0.root.json',
    '/tuf/-1.root.json',
    '/tuf/1.root.json%00',
    '/tuf/1.root.json%00.txt',
    '/tuf/1.ROOT.json',
    '/tuf/targets/trusted_root.json',
    `/tuf/targets/${'0'.repeat(64)}.trusted_root.json`,
    `/tuf/${'a'.repeat(1500)}`,
    '/tuf/%zz',
  ])('has nothing at %s', async (path) => {
    const answer = await ask(origin, { path });
    expect([path, answer.status]).toEqual([path, path.includes('%zz') ? 400 : 404]);
    expect([path, answer.headers['content-type']]).toEqual([
      path,
      expect.stringMatching(/^(text\/plain|application\/problem\+json)$/),
    ]);
    expect(answer.text).not.toMatch(/PIN|BEGIN|spki|"signed"/);
  });

  test('is not written to', async () => {
    for (const method of ['POST', 'PUT', 'DELETE'])
      expectProblem(method, await ask(origin, { method, path: '/tuf/root.json' }), [404, 405]);
  });
});

describe('the issuer', () => {
  const token = (body: string, headers: Record<string, string> = {}) =>
    post(origin, '/oidc/token', body, { 'Content-Type': 'application/x-www-form-urlencoded', ...headers });
  const basic = (id: string, secret: string): Record<string, string> => ({
    Authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
  });
  const { clientId, clientSecret } = machineCredentials();

  test.each<[string, () => ReturnType<typeof token>, string]>([
    [
      'a wrong secret',
      () => token('grant_type=client_credentials', basic(clientId, `${clientSecret}x`)),
      'invalid_client',
    ],
    ['no secret', () => token(`grant_type=client_credentials&client_id=${clientId}`), 'invalid_client'],
    [
      'an unknown machine',
      () => token('grant_type=client_credentials', basic('nobody', 'x')),
      'invalid_client',
    ],
    [
      'a machine named in SQL',
      () => token('grant_type=client_credentials', basic("' OR 1=1 --", 'x')),
      'invalid_client',
    ],
    [
      'an unknown grant',
      () => token('grant_type=wishful', basic(clientId, clientSecret)),
      'unsupported_grant_type',
    ],
    ['no grant', () => token('', basic(clientId, clientSecret)), 'invalid_request'],
    [
      'another scope of audience',
      () =>
        token(
          'grant_type=client_credentials&resource=https%3A%2F%2Felsewhere.invalid',
          basic(clientId, clientSecret),
        ),
      'invalid_target',
    ],
  ])('refuses %s in OAuth’s own shape', async (name, call, error) => {
    const answer = await call();
    expect([name, answer.status >= 400 && answer.status < 500]).toEqual([name, true]);
    const said = JSON.parse(answer.text) as { error: string };
    expect([name, said.error]).toEqual([name, error]);
    expect(answer.text).not.toContain(clientSecret);
  });

  test('has no door for administration', async () => {
    for (const path of ['/admin/v1/machine-identities', '/oidc/admin', '/oidc/reg', '/metrics']) {
      expect([path, (await ask(origin, { path })).status]).toEqual([path, 404]);
    }
  });
});

describe('the server, before any door', () => {
  const { host } = new URL(origin);
  const raw = (text: string) => exchange(origin, Buffer.from(text, 'latin1'));
  const refused = (status: number): void => {
    expect([400, 404, 405, 413, 414, 421, 431, 501, 505]).toContain(status);
  };

  test.each<[string, string]>([
    ['a line that is no request', 'nonsense\r\n\r\n'],
    ['an unknown method', `BREW / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`],
    ['an unknown version', `GET / HTTP/9.9\r\nHost: ${host}\r\n\r\n`],
    [
      'two lengths',
      `POST /api/v1/log/entries HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}`,
    ],
    [
      'a length and chunks',
      `POST /api/v1/log/entries HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    [
      'a length below zero',
      `POST /api/v1/log/entries HTTP/1.1\r\nHost: ${host}\r\nContent-Length: -1\r\n\r\n`,
    ],
    [
      'a chunk that is none',
      `POST /api/v1/log/entries HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`,
    ],
    ['a folded header', `GET /ping HTTP/1.1\r\nHost: ${host}\r\nX: a\r\n b\r\n\r\n`],
    ['headers without end', `GET /ping HTTP/1.1\r\nHost: ${host}\r\nX: ${'a'.repeat(100_000)}\r\n\r\n`],
    ['no host', 'GET /ping HTTP/1.1\r\nConnection: close\r\n\r\n'],
    ['a path that is no path', `GET \\..\\ HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`],
  ])('refuses %s', async (_name, text) => {
    refused((await raw(text)).status);
  });

  test('answers unknown paths with a problem document', async () => {
    for (const path of ['/', '/nothing', '/api', '/api/v3/x', '/%2e%2e/%2e%2e/etc/passwd', '/..;/admin']) {
      expectProblem(path, await ask(origin, { path }), [404, 400]);
    }
  });
});

test('none of this left a trace', async () => {
  expect(await traces()).toEqual(before);
});
