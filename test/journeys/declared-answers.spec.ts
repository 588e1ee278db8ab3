/** Answers of the built appliance against docs/openapi: what is declared is what is said. */
import { describe, expect, test } from '@jest/globals';
import { request } from 'node:http';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { repository } from '../house/files.js';
import { installation } from '../kit/index.js';
import {
  envelope,
  hashedRekordOverEnvelopeV2,
  hashedRekordV1,
  hashedRekordV2,
  nameOfStatement,
} from './proposals.js';
import { askForCertificate, certified, Holder, machineToken, sha256, signingRequest } from './signer.js';
import { ask, post } from './wire.js';

interface Declared {
  readonly content?: Readonly<Record<string, { readonly schema?: { readonly $ref: string } }>>;
}

interface Document {
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { readonly responses: Readonly<Record<string, Declared>> }>>>
  >;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

interface Said {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

function documentOf(door: string): Document {
  return JSON.parse(readFileSync(join(repository, `docs/openapi/${door}.json`), 'utf8')) as Document;
}

/** Holds `said` to what the door's document declares for this operation and status. */
function expectDeclared(door: string, method: string, path: string, said: Said, status: number): void {
  expect(said.status).toBe(status);
  const document = documentOf(door);
  const declared = document.paths[path]?.[method]?.responses[said.status];
  if (declared === undefined) throw new Error(`${door} declares no ${said.status} for ${method} ${path}`);
  if (declared.content === undefined) {
    expect(said.text).toBe('');
    return;
  }
  const type = (said.headers['content-type'] ?? '').split(';', 1)[0]?.trim() ?? '';
  expect(Object.keys(declared.content)).toContain(type);
  const reference = declared.content[type]?.schema?.$ref;
  if (reference === undefined) return;
  const name = reference.replace('#/components/schemas/', '');
  const definitions = JSON.parse(
    JSON.stringify(document.components.schemas).replaceAll('#/components/schemas/', '#/$defs/'),
  ) as Record<string, object>;
  const schema = z.fromJSONSchema({ $ref: `#/$defs/${name}`, $defs: definitions } as Parameters<
    typeof z.fromJSONSchema
  >[0]);
  const result = schema.safeParse(JSON.parse(said.text));
  expect(result.success ? '' : z.prettifyError(result.error)).toBe('');
}

function admin(method: string, path: string, body?: unknown): Promise<Said> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        socketPath: installation().adminSocket,
        method,
        path,
        headers: body === undefined ? {} : { 'content-type': 'application/json' },
      },
      (answer) => {
        const parts: Buffer[] = [];
        answer.on('data', (part: Buffer) => parts.push(part));
        answer.on('end', () => {
          const headers = { 'content-type': answer.headers['content-type'] ?? '' };
          resolve({ status: answer.statusCode ?? 0, headers, text: Buffer.concat(parts).toString() });
        });
      },
    );
    sent.on('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

describe('answers are as declared', () => {
  test('by the certificate authority', async () => {
    const { origin, identity } = installation();
    const good = await askForCertificate(signingRequest(new Holder(), identity, await machineToken()));
    expectDeclared('fulcio', 'post', '/api/v2/signingCert', good, 200);
    const bad = await askForCertificate(signingRequest(new Holder(), 'somebody else', await machineToken()));
    expectDeclared('fulcio', 'post', '/api/v2/signingCert', bad, 400);
    for (const path of ['/api/v2/trustBundle', '/api/v2/configuration', '/api/v1/rootCert']) {
      expectDeclared('fulcio', 'get', path, await ask(origin, { path }), 200);
    }
  });

  test('by the log, version 1', async () => {
    const { origin, identity } = installation();
    const entry = hashedRekordV1(await certified(), `declared ${Date.now()}`);
    const path = '/api/v1/log/entries';
    const made = await post(origin, path, entry);
    expectDeclared('rekor-v1', 'post', path, made, 201);
    expectDeclared('rekor-v1', 'post', path, await post(origin, path, entry), 409);
    expectDeclared('rekor-v1', 'post', path, await post(origin, path, '{"kind":'), 400);
    expectDeclared('rekor-v1', 'get', path, await ask(origin, { path: `${path}?logIndex=0` }), 200);
    expectDeclared('rekor-v1', 'get', path, await ask(origin, { path: `${path}?logIndex=999999` }), 404);
    expectDeclared('rekor-v1', 'get', path, await ask(origin, { path: `${path}?logIndex=x` }), 422);
    const [entryId = ''] = Object.keys(JSON.parse(made.text) as object);
    expectDeclared(
      'rekor-v1',
      'get',
      `${path}/{entryId}`,
      await ask(origin, { path: `${path}/${entryId}` }),
      200,
    );
    const found = await post(origin, `${path}/retrieve`, { entryUUIDs: [entryId] });
    expectDeclared('rekor-v1', 'post', `${path}/retrieve`, found, 200);
    const log = await ask(origin, { path: '/api/v1/log' });
    expectDeclared('rekor-v1', 'get', '/api/v1/log', log, 200);
    const { treeSize } = JSON.parse(log.text) as { treeSize: number };
    const proof = await ask(origin, { path: `/api/v1/log/proof?firstSize=1&lastSize=${treeSize}` });
    expectDeclared('rekor-v1', 'get', '/api/v1/log/proof', proof, 200);
    expectDeclared(
      'rekor-v1',
      'get',
      '/api/v1/log/publicKey',
      await ask(origin, { path: '/api/v1/log/publicKey' }),
      200,
    );
    const ids = await post(origin, '/api/v1/index/retrieve', { email: identity });
    expectDeclared('rekor-v1', 'post', '/api/v1/index/retrieve', ids, 200);
  });

  test('by the log, version 2', async () => {
    const { shardOrigin } = installation();
    const entry = hashedRekordV2(await certified(), `declared ${Date.now()}`);
    const path = '/api/v2/log/entries';
    expectDeclared('rekor-v2', 'post', path, await post(shardOrigin, path, entry), 201);
    expectDeclared('rekor-v2', 'post', path, await post(shardOrigin, path, '[]'), 400);
    expectDeclared(
      'rekor-v2',
      'get',
      '/api/v2/checkpoint',
      await ask(shardOrigin, { path: '/api/v2/checkpoint' }),
      200,
    );
    const tile = '/api/v2/tile/{path}';
    expectDeclared('rekor-v2', 'get', tile, await ask(shardOrigin, { path: '/api/v2/tile/0/000.p/1' }), 200);
    expectDeclared('rekor-v2', 'get', tile, await ask(shardOrigin, { path: '/api/v2/tile/0/999' }), 404);
  });

  test('by the search and the statements', async () => {
    const { origin, shardOrigin } = installation();
    const who = await certified();
    const wrapped = envelope(who, `declared ${Date.now()}`);
    const name = nameOfStatement(wrapped);
    const [path, declared] = [`/airseal/v1/statements/${name}`, '/airseal/v1/statements/{sha256}'];
    const headers = { 'Content-Type': 'application/json' };
    const put = (body: unknown) => ask(origin, { method: 'PUT', path, headers, body: JSON.stringify(body) });
    expectDeclared('statements', 'put', declared, await put(wrapped), 404);
    expectDeclared('statements', 'get', declared, await ask(origin, { path }), 404);
    expectDeclared('statements', 'put', declared, await put({}), 400);
    const logged = await post(shardOrigin, '/api/v2/log/entries', hashedRekordOverEnvelopeV2(who, wrapped));
    expect(logged.status).toBe(201);
    const forged = envelope(await certified(), 'declared');
    expectDeclared(
      'statements',
      'put',
      declared,
      await put({ ...wrapped, ...{ signatures: forged.signatures } }),
      422,
    );
    expectDeclared('statements', 'put', declared, await put(wrapped), 201);
    expectDeclared('statements', 'put', declared, await put(wrapped), 200);
    expectDeclared('statements', 'get', declared, await ask(origin, { path }), 200);
    const entries = await ask(origin, { path: `${path}/entries` });
    expectDeclared('statements', 'get', `${declared}/entries`, entries, 200);
    const search = '/airseal/v1/search';
    for (const question of [
      'limit=2',
      'predicate=https://example.com/p&limit=3',
      'from=2020-01-01T00:00:00Z',
    ]) {
      expectDeclared('search', 'get', search, await ask(origin, { path: `${search}?${question}` }), 200);
    }
    expectDeclared('search', 'get', search, await ask(origin, { path: `${search}?limit=x` }), 400);
  });

  test('by the timestamp authority', async () => {
    const { origin } = installation();
    const [path, chain] = ['/api/v1/timestamp', '/api/v1/timestamp/certchain'];
    const asked = {
      artifactHash: sha256('a').toString('base64'),
      hashAlgorithm: 'sha256',
      certificates: true,
    };
    expectDeclared('timestamp', 'post', path, await post(origin, path, asked), 200);
    expectDeclared(
      'timestamp',
      'post',
      path,
      await post(origin, path, { ...asked, hashAlgorithm: 'sha1' }),
      400,
    );
    expectDeclared(
      'timestamp',
      'post',
      path,
      await post(origin, path, 'x', { 'Content-Type': 'text/plain' }),
      415,
    );
    expectDeclared('timestamp', 'get', chain, await ask(origin, { path: chain }), 200);
  });

  test('by the certificate log', async () => {
    const { origin, stateDir } = installation();
    const base =
      /https:[^"\s]*\/ct\/[^"\s]+/.exec(readFileSync(join(stateDir, 'instance.yaml'), 'utf8'))?.[0] ?? '';
    const get = (verb: string) => ask(origin, { path: `${new URL(base).pathname}/ct/v1/${verb}` });
    const declared = (verb: string) => `/ct/{log}/ct/v1/${verb}`;
    const head = await get('get-sth');
    expectDeclared('ct', 'get', declared('get-sth'), head, 200);
    const { tree_size: size } = JSON.parse(head.text) as { tree_size: number };
    const asked = [
      ['get-sth-consistency', `?first=1&second=${size}`, 200],
      ['get-entries', '?start=0&end=1', 200],
      ['get-roots', '', 200],
      ['get-entry-and-proof', `?leaf_index=0&tree_size=${size}`, 200],
      [
        'get-proof-by-hash',
        `?hash=${encodeURIComponent(sha256('no leaf').toString('base64'))}&tree_size=${size}`,
        404,
      ],
      ['get-entries', '?start=2&end=1', 400],
    ] as const;
    for (const [verb, query, status] of asked) {
      expectDeclared('ct', 'get', declared(verb), await get(`${verb}${query}`), status);
    }
  });

  test('by the trust root and by health', async () => {
    const { origin } = installation();
    expectDeclared('tuf', 'get', '/tuf/{name}', await ask(origin, { path: '/tuf/timestamp.json' }), 200);
    expectDeclared('tuf', 'get', '/tuf/{name}', await ask(origin, { path: '/tuf/1.root.json' }), 200);
    expectDeclared('tuf', 'get', '/tuf/{name}', await ask(origin, { path: '/tuf/0.root.json' }), 404);
    for (const path of ['/livez', '/readyz', '/healthz', '/ping']) {
      expectDeclared('health', 'get', path, await ask(origin, { path }), 200);
    }
  });

  test('by the administrative socket', async () => {
    const path = '/admin/v1/machine-identities';
    const name = `declared-${Date.now()}`;
    expectDeclared(
      'admin',
      'post',
      path,
      await admin('POST', path, { name, email: `${name}@evaluation.example` }),
      201,
    );
    expectDeclared('admin', 'post', path, await admin('POST', path, { name }), 400);
    expectDeclared('admin', 'get', path, await admin('GET', path), 200);
    expectDeclared('admin', 'delete', `${path}/{name}`, await admin('DELETE', `${path}/${name}`), 204);
    const accounts = '/admin/v1/accounts';
    const email = `${name}@evaluation.example`;
    expectDeclared('admin', 'post', accounts, await admin('POST', accounts, { email }), 201);
    expectDeclared('admin', 'get', accounts, await admin('GET', accounts), 200);
    expectDeclared(
      'admin',
      'delete',
      `${accounts}/{email}`,
      await admin('DELETE', `${accounts}/${email}`),
      204,
    );
    expectDeclared('admin', 'get', '/metrics', await admin('GET', '/metrics'), 200);
    expectDeclared('admin', 'get', '/readyz', await admin('GET', '/readyz'), 200);
  });
});
