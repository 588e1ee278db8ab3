/** Bad input on the doors of both faces of the log: refused in each protocol's words, and nothing is left behind. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { generateKeyPairSync } from 'node:crypto';
import { installation } from '../kit/index.js';
import { HOSTILE_JSON, longLength, nonMinimal, withTrailingOctet } from './hostile-text.js';
import { dsseV1, dsseV2, envelope, hashedRekordV1, hashedRekordV2, intotoV002 } from './proposals.js';
import { expectGatewayError, expectOpenApiError } from './refusals.js';
import { Holder, sha256 } from './signer.js';
import { traces, TRACES_BEFORE_MS, tracesBefore } from './traces.js';
import { announce, type Answer, ask, askHttp2, post } from './wire.js';

const { origin, shardOrigin } = installation();
const V1 = '/api/v1/log/entries';
const V2 = '/api/v2/log/entries';
const REFUSED = [400, 422];

let before: unknown;
beforeAll(async () => {
  before = await tracesBefore();
}, TRACES_BEFORE_MS);

const holder = new Holder();
const base64 = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString('base64');
const pemOf = (der: Buffer): string =>
  `-----BEGIN PUBLIC KEY-----\n${der.toString('base64')}\n-----END PUBLIC KEY-----\n`;

/** A weak key and what it signs. */
function weak(pair: object): Holder {
  return new Holder(pair as ConstructorParameters<typeof Holder>[0]);
}

type Change = (good: ReturnType<typeof hashedRekordV1>) => unknown;

describe('v1: an entry', () => {
  const proposed = (body: unknown): Promise<Answer> => post(origin, V1, body);
  const spec =
    (change: object): Change =>
    (good) => ({ ...good, spec: { ...good.spec, ...change } });
  const signature =
    (change: (of: { content: string; publicKey: { content: string } }) => object): Change =>
    (good) => ({
      ...good,
      spec: { ...good.spec, signature: { ...good.spec.signature, ...change(good.spec.signature) } },
    });
  const signed = (change: (der: Buffer) => Uint8Array): Change =>
    signature(({ content }) => ({ content: base64(change(Buffer.from(content, 'base64'))) }));
  const hash = (algorithm: string, value: string): Change => spec({ data: { hash: { algorithm, value } } });
  const key = (content: string): Change => signature(() => ({ publicKey: { content: base64(content) } }));

  test.each<[string, Change]>([
    ['of an unknown kind', (good) => ({ ...good, kind: 'unheard-of' })],
    ['of no kind', ({ kind: _, ...rest }) => rest],
    ['whose kind is an object', (good) => ({ ...good, kind: {} })],
    ['whose kind is in the prototype', (good) => ({ ...good, kind: 'constructor' })],
    ['of an unknown version', (good) => ({ ...good, apiVersion: '9.9.9' })],
    ['of no version', ({ apiVersion: _, ...rest }) => rest],
    ['with no spec', ({ spec: _, ...rest }) => rest],
    ['with an empty spec', (good) => ({ ...good, spec: {} })],
    ['over another digest', hash('sha256', sha256('other').toString('hex'))],
    ['over a digest cut short', hash('sha256', sha256('x').toString('hex').slice(2))],
    ['over a digest that is no number', hash('sha256', 'z'.repeat(64))],
    ['over an MD5', hash('md5', 'a'.repeat(32))],
    ['over a SHA-1', hash('sha1', 'a'.repeat(40))],
    ['with a longer digest than it says', hash('sha384', sha256('x').toString('hex'))],
    ['signed by another key', key(new Holder().pem)],
    ['with no signature', signature(() => ({ content: '' }))],
    ['whose signature is cut off', signed((der) => der.subarray(0, -1))],
    ['with data behind its signature', signed(withTrailingOctet)],
    ['whose signature has a needless zero', signed(nonMinimal)],
    ['whose signature has a needless length', signed(longLength)],
    ['whose signature is no base64', signature(() => ({ content: '!!!' }))],
    ['whose key is garbage', key('garbage')],
    ['with data behind its key', key(pemOf(withTrailingOctet(holder.spki)))],
    ['whose key has a needless length', key(pemOf(longLength(holder.spki)))],
    ['whose key is no PEM', signature(() => ({ publicKey: { content: base64(holder.spki) } }))],
    [
      'of a key of 1024 bits',
      () => hashedRekordV1(weak(generateKeyPairSync('rsa', { modulusLength: 1024 })), 'x'),
    ],
    [
      'of a key on P-224',
      () => hashedRekordV1(weak(generateKeyPairSync('ec', { namedCurve: 'secp224r1' })), 'x'),
    ],
    ['of a plain Ed25519 key', () => hashedRekordV1(weak(generateKeyPairSync('ed25519')), 'x')],
  ])('%s is refused with 400', async (name, change) => {
    expectOpenApiError(name, await proposed(change(hashedRekordV1(holder, 'x'))), REFUSED);
  });

  const wrapped = envelope(holder, 'y');
  const [once] = wrapped.signatures;
  const asText = (text: string): unknown => {
    const good = dsseV1(holder, 'y', wrapped);
    return { ...good, spec: { proposedContent: { ...good.spec.proposedContent, envelope: text } } };
  };

  test.each<[string, unknown]>([
    ['that is no JSON', asText('envelope')],
    ['with a member twice', asText(`${JSON.stringify(wrapped).slice(0, -1)},"payload":"AAAA"}`)],
    ['with no signature', dsseV1(holder, 'y', { ...wrapped, signatures: [] })],
    ['over another payload', dsseV1(holder, 'y', { ...wrapped, payload: base64('other') })],
    ['of another type', dsseV1(holder, 'y', { ...wrapped, payloadType: 'text/plain' })],
    [
      'with a signature of nobody beside the good one',
      dsseV1(holder, 'y', {
        ...wrapped,
        signatures: [...wrapped.signatures, { sig: base64('x'), keyid: '' }],
      }),
    ],
    [
      'with a verifier of nothing',
      {
        ...dsseV1(holder, 'y', wrapped),
        spec: { proposedContent: { envelope: JSON.stringify(wrapped), verifiers: [] } },
      },
    ],
    [
      'that somebody else should have signed',
      {
        ...dsseV1(holder, 'y', wrapped),
        spec: {
          proposedContent: { envelope: JSON.stringify(wrapped), verifiers: [base64(new Holder().pem)] },
        },
      },
    ],
    [
      'whose signature is no base64',
      dsseV1(holder, 'y', { ...wrapped, signatures: [{ sig: `${once?.sig}!`, keyid: '' }] }),
    ],
  ])('that is an envelope %s is refused with 400', async (name, body) => {
    expectOpenApiError(name, await proposed(body), REFUSED);
  });

  test('of kind intoto that is not signed, or encoded once only, is refused with 400', async () => {
    const good = intotoV002(holder, 'z');
    const { envelope: sent } = good.spec.content;
    for (const change of [
      { payload: base64(base64('other')) },
      { payload: base64('once') },
      { signatures: [] },
      { payloadType: 'text/plain' },
    ]) {
      const body = { ...good, spec: { content: { ...good.spec.content, envelope: { ...sent, ...change } } } };
      expectOpenApiError(JSON.stringify(change), await proposed(body), REFUSED);
    }
  });

  test.each(HOSTILE_JSON)('spelt as %s is refused with 400', async (name, body) => {
    expectOpenApiError(name, await proposed(body), REFUSED);
    expectOpenApiError(
      `retrieve: ${name}`,
      await post(
        origin,
        `${V1}/retrieve`,
        name === 'a prototype' ? '{"entries":1}' : body === '' ? '' : body,
      ),
      [...REFUSED],
    );
    expectOpenApiError(`search: ${name}`, await post(origin, '/api/v1/index/retrieve', body), REFUSED);
  });

  test('larger than the limit is refused with 413', async () => {
    expectOpenApiError('413', await announce(origin, V1, 32 * 1024 * 1024 + 1), 413);
  });
});

describe('v1: a question', () => {
  test.each<[string, number | readonly number[]]>([
    [`${V1}?logIndex=-1`, 422],
    [`${V1}?logIndex=1.5`, 422],
    [`${V1}?logIndex=0x1`, 422],
    [`${V1}?logIndex=9223372036854775808`, 422],
    [`${V1}?logIndex=99999999999999999999999`, 422],
    [`${V1}?logIndex=1&logIndex=2`, [400, 422]],
    [`${V1}?logIndex=`, 422],
    [V1, 422],
    [`${V1}/${'a'.repeat(79)}`, [400, 422]],
    [`${V1}/${'g'.repeat(80)}`, [400, 422]],
    [`${V1}/..%2f..%2fadmin`, [400, 404, 422]],
    [`${V1}/%00`, [400, 422]],
    ['/api/v1/log/proof', 422],
    ['/api/v1/log/proof?lastSize=0', [400, 422]],
    ['/api/v1/log/proof?firstSize=0&lastSize=1', [400, 422]],
    ['/api/v1/log/proof?firstSize=3&lastSize=2', 400],
    ['/api/v1/log/proof?lastSize=999999999', 400],
    ['/api/v1/log/proof?lastSize=1&treeID=1', 400],
    ['/api/v1/log/proof?lastSize=1&treeID=x', [400, 422]],
    ['/api/v1/log/publicKey?treeID=x', [400, 422]],
    ['/api/v1/log/nothing', 404],
  ])('GET %s is refused', async (path, status) => {
    expectOpenApiError(path, await ask(origin, { path }), status);
  });

  test.each<[string, unknown, number | readonly number[]]>([
    ['an id that is none', { entryUUIDs: ['x'] }, [400, 422]],
    ['an index that is text', { logIndexes: ['1'] }, [400, 422]],
    ['an index below zero', { logIndexes: [-1] }, [400, 422]],
    ['an index with a fraction', { logIndexes: [1.5] }, [400, 422]],
    [
      'an entry of an unknown kind',
      { entries: [{ kind: 'unheard-of', apiVersion: '0.0.1', spec: {} }] },
      [400, 422],
    ],
    ['an entry that is text', { entries: ['x'] }, [400, 422]],
    ['lists that are none', { logIndexes: 1 }, [400, 422]],
  ])('retrieving %s is refused', async (name, body, status) => {
    expectOpenApiError(name, await post(origin, `${V1}/retrieve`, body), status);
  });

  test.each<[string, unknown]>([
    ['nothing', {}],
    ['a hash that is none', { hash: 'xyz' }],
    ['a hash under the name of another', { hash: `sha512:${'a'.repeat(64)}` }],
    ['with an operator that is none', { hash: 'a'.repeat(64), operator: 'xor' }],
    ['a key that is none', { publicKey: { format: 'x509', content: base64('garbage') } }],
    ['a key of another format', { publicKey: { format: 'pgp', content: base64('x') } }],
    ['a subject without end', { subject: 'x'.repeat(10_000) }],
    ['an address that is no text', { email: 1 }],
  ])('searching for %s is refused', async (name, body) => {
    expectOpenApiError(name, await post(origin, '/api/v1/index/retrieve', body), [400, 422]);
  });

  test('by another method is not served, in the same shape', async () => {
    for (const method of ['PUT', 'DELETE', 'PATCH'])
      expectOpenApiError(method, await ask(origin, { method, path: V1 }), [404, 405]);
    expectOpenApiError('GET retrieve', await ask(origin, { path: '/api/v1/index/retrieve' }), [404, 405]);
  });
});

describe('v2: a request', () => {
  type Good = ReturnType<typeof hashedRekordV2>['hashedRekordRequestV002'];
  const proposed = (body: unknown): Promise<Answer> => post(shardOrigin, V2, body);
  const good = (): Good => hashedRekordV2(holder, 'x').hashedRekordRequestV002;
  const change = (changes: (of: Good) => object): unknown => {
    const of = good();
    return { hashedRekordRequestV002: { ...of, ...changes(of) } };
  };
  const signature = (changes: (of: Good['signature']) => object): unknown =>
    change(({ signature: of }) => ({ signature: { ...of, ...changes(of) } }));
  const signed = (with_: (der: Buffer) => Buffer): unknown =>
    signature(({ content }) => ({ content: base64(with_(Buffer.from(content, 'base64'))) }));
  const verifier = (changes: object): unknown =>
    signature(({ verifier: of }) => ({ verifier: { ...of, ...changes } }));
  const key = (spki: Uint8Array): unknown => verifier({ publicKey: { rawBytes: base64(spki) } });
  const wrapped = envelope(holder, 'y');

  test.each<[string, unknown]>([
    ['with an unknown member', { ...hashedRekordV2(holder, 'x'), novelty: 1 }],
    ['with an unknown member inside', change(() => ({ novelty: 1 }))],
    ['of an unknown type', { rekordRequestV003: {} }],
    ['of no type', {}],
    ['of two types', { ...hashedRekordV2(holder, 'x'), ...dsseV2(holder, wrapped) }],
    ['of one type in two spellings', { ...hashedRekordV2(holder, 'x'), hashed_rekord_request_v002: good() }],
    ['over another digest', change(() => ({ digest: base64(sha256('other')) }))],
    ['over a digest cut short', change(() => ({ digest: base64(sha256('x').subarray(1)) }))],
    ['over nothing', change(() => ({ digest: '' }))],
    ['whose digest is no base64', change(() => ({ digest: 'x' }))],
    ['signed by another key', key(new Holder().spki)],
    ['with no signature', signature(() => ({ content: '' }))],
    ['with data behind its signature', signed(withTrailingOctet)],
    ['whose signature has a needless zero', signed(nonMinimal)],
    ['whose signature is cut off', signed((der) => der.subarray(0, -1))],
    ['with no verifier', signature(() => ({ verifier: {} }))],
    ['with key and certificate', verifier({ x509Certificate: { rawBytes: base64(holder.spki) } })],
    [
      'whose certificate is none',
      signature(() => ({
        verifier: {
          x509Certificate: { rawBytes: base64(holder.spki) },
          keyDetails: 'PKIX_ECDSA_P256_SHA_256',
        },
      })),
    ],
    ['with data behind its key', key(withTrailingOctet(holder.spki))],
    ['whose key has a needless length', key(longLength(holder.spki))],
    ['whose key is garbage', key(Buffer.from('garbage'))],
    ['whose key is of another curve than it says', verifier({ keyDetails: 'PKIX_ECDSA_P384_SHA_384' })],
    ['of unknown key details', verifier({ keyDetails: 'PKIX_WISHFUL' })],
    ['of no key details', verifier({ keyDetails: undefined })],
    [
      'of a plain Ed25519 key',
      {
        hashedRekordRequestV002: {
          ...good(),
          signature: {
            content: 'AAAA',
            verifier: {
              publicKey: { rawBytes: base64(weak(generateKeyPairSync('ed25519')).spki) },
              keyDetails: 'PKIX_ED25519',
            },
          },
        },
      },
    ],
    [
      'of a key of 1024 bits',
      {
        hashedRekordRequestV002: {
          ...good(),
          signature: {
            content: 'AAAA',
            verifier: {
              publicKey: { rawBytes: base64(weak(generateKeyPairSync('rsa', { modulusLength: 1024 })).spki) },
              keyDetails: 'PKIX_RSA_PKCS1V15_2048_SHA256',
            },
          },
        },
      },
    ],
    [
      'with an envelope of two signatures',
      dsseV2(holder, { ...wrapped, signatures: [...wrapped.signatures, ...wrapped.signatures] }),
    ],
    ['with an envelope of no signature', dsseV2(holder, { ...wrapped, signatures: [] })],
    ['with an envelope over another payload', dsseV2(holder, { ...wrapped, payload: base64('other') })],
    ['with an envelope and no verifier', { dsseRequestV002: { envelope: wrapped, verifiers: [] } }],
  ])('%s is refused with 400', async (name, body) => {
    expectGatewayError(name, await proposed(body), 400);
  });

  test.each(HOSTILE_JSON)('spelt as %s is refused with 400', async (name, body) => {
    expectGatewayError(name, await proposed(body), 400);
  });

  test('larger than four mebibytes is refused with 413, over HTTP/1.1 and HTTP/2', async () => {
    const body = `{"padding":"${'x'.repeat(4 * 1024 * 1024)}"}`;
    expectGatewayError('HTTP/1.1', await announce(shardOrigin, V2, body.length), 413);
    const answer = await askHttp2(shardOrigin, {
      method: 'POST',
      path: V2,
      body,
      headers: { 'content-type': 'application/json' },
    });
    expectGatewayError('HTTP/2', answer, 413);
  });

  test('to a host that is no shard is refused with 404', async () => {
    const { port } = new URL(shardOrigin);
    for (const host of [
      'log.invalid',
      `log.invalid:${port}`,
      '127.0.0.2.',
      `127.0.0.3:${port}`,
      `127.0.0.1:${port}`,
    ]) {
      const answer = await post(shardOrigin, V2, hashedRekordV2(holder, 'elsewhere'), { host });
      expectGatewayError(host, answer, [400, 404]);
      expectGatewayError(
        host,
        await ask(shardOrigin, { path: '/api/v2/checkpoint', headers: { host } }),
        [400, 404],
      );
    }
  });

  test('by another method is not served, in the same shape', async () => {
    for (const method of ['GET', 'PUT', 'DELETE'])
      expectGatewayError(method, await ask(shardOrigin, { method, path: V2 }), [404, 405, 501]);
    expectGatewayError('POST checkpoint', await post(shardOrigin, '/api/v2/checkpoint', {}), [404, 405, 501]);
  });
});

describe('v2: a tile', () => {
  test.each([
    'tile/0/../0/000.p/1',
    'tile/0/%2e%2e/0/000.p/1',
    'tile/00/000.p/1',
    'tile/0/0.p/1',
    'tile/0/0000.p/1',
    'tile/0/00.p/1',
    'tile/0/x000/000.p/1',
    'tile/0/000.p/0',
    'tile/0/000.p/01',
    'tile/0/000.p/256',
    'tile/0/000.p/999999999999999999999',
    'tile/0/000.p/+1',
    'tile/0/000.p/-1',
    'tile/0/000.p/1.0',
    'tile/0/000.p/0x1',
    'tile/0/000%2ep/1',
    'tile/0/000.p%2f1',
    'tile/0%2f000.p%2f1',
    'tile/%30/000.p/1',
    'tile/0//000.p/1',
    'tile/0/000.P/1',
    'tile/-1/000.p/1',
    'tile/8/000.p/1',
    'tile/64/000.p/1',
    'tile/entries/../0/000.p/1',
    'tile/entries/000.p/0',
    'tile/Entries/000.p/1',
    'tile/0/000.p/1%00',
    'tile/0/000.p/1%0d%0aX-Y:%201',
    'tile/0/000.p/1/../../../../etc/passwd',
    'tile/..%2f..%2f..%2fsecrets%2fonline.pin',
    'tile/0/999',
    `tile/0/${'x999/'.repeat(200)}999`,
    'tile/0',
    'tile/x',
  ])('case 39: %s is not there', async (path) => {
    const answer = await ask(shardOrigin, { path: `/api/v2/${path}` });
    expect([path, answer.status >= 400 && answer.status < 500]).toEqual([path, true]);
    expect(answer.headers['content-type']).not.toBe('application/octet-stream');
    expect(answer.headers['cache-control'] ?? '').not.toContain('immutable');
    expect(answer.headers).not.toHaveProperty('x-y');
  });
});

test('none of this left a trace', async () => {
  expect(await traces()).toEqual(before);
});
