import { generateKeyPairSync } from 'node:crypto';
import { connect } from 'node:http2';
import { request } from 'node:https';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { exportJWK, SignJWT } from 'jose';
import { systemClock } from '#platform';
import { type LiveIssuer, liveIssuer } from '../../../../test/kit/live-issuer.js';
import { parseIssuersFile } from '../issuers-file.js';
import { ProveIdentity } from '../prove-identity.js';
import { ProviderStore } from './provider-store.js';
import { sweepRecords } from './sweep-records.js';

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

describe('the built-in issuer', () => {
  let live: LiveIssuer;
  let pool: LiveIssuer['pool'];
  let issuer: LiveIssuer['issuer'];
  let machines: LiveIssuer['machines'];
  let ca: string;
  let url: string;

  beforeAll(async () => {
    live = await liveIssuer();
    ({ pool, issuer, machines, ca, url } = live);
  });

  afterAll(() => live.close());

  function call(
    path: string,
    form?: Record<string, string>,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const body = form === undefined ? undefined : new URLSearchParams(form).toString();
      const outgoing = request(
        `${url}${path}`,
        {
          ca,
          // One test writes a foreign Host header, which Node would hold the certificate to.
          checkServerIdentity: () => undefined,
          method: body === undefined ? 'GET' : 'POST',
          headers: {
            ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
            ...headers,
          },
        },
        (response) => {
          let text = '';
          response.on('data', (part: Buffer) => (text += part.toString()));
          response.on('end', () => {
            resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as Answer['body'] });
          });
        },
      );
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }

  function callOverHttp2(path: string, form: Record<string, string>): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const session = connect(url, { ca });
      session.on('error', reject);
      const stream = session.request({
        ':method': 'POST',
        ':path': `/oidc${path}`,
        'content-type': 'application/x-www-form-urlencoded',
      });
      let status = 0;
      let text = '';
      stream.on('response', (headers) => (status = headers[':status'] ?? 0));
      stream.on('data', (part: Buffer) => (text += part.toString()));
      stream.on('end', () => {
        session.close();
        resolve({ status, body: JSON.parse(text) as Answer['body'] });
      });
      stream.end(new URLSearchParams(form).toString());
    });
  }

  function prover(): ProveIdentity {
    const issuers = parseIssuersFile(
      `oidc-issuers:\n  ${url}:\n    issuer-url: ${url}\n    client-id: sigstore\n    type: email\n`,
    );
    return new ProveIdentity({ issuers, clock: systemClock, ownKeys: new Map([[url, issuer.keys]]) });
  }

  test('advertises its own URL whatever Host the caller writes', async () => {
    const { status, body } = await call('/.well-known/openid-configuration', undefined, {
      host: 'evil.example',
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({ issuer: url, token_endpoint: `${url}/token`, jwks_uri: `${url}/jwks` });
    expect(body['id_token_signing_alg_values_supported']).toEqual(['RS256']);
  });

  test('publishes the public half of the key in the token and nothing more', async () => {
    const { body } = await call('/jwks');
    const [key] = body['keys'] as Record<string, unknown>[];
    expect(Object.keys(key ?? {}).sort()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use']);
  });

  test('gives a machine with a secret a token that becomes an identity, over HTTP/1.1 and HTTP/2', async () => {
    const { clientId, clientSecret = '' } = await machines.register({
      name: 'builder',
      email: 'builder@example.org',
    });
    const basic = Buffer.from(`${clientId}:${clientSecret}`).toString('base64');
    const first = await call(
      '/token',
      { grant_type: 'client_credentials' },
      { authorization: `Basic ${basic}` },
    );
    expect(first.status).toBe(200);
    const second = await callOverHttp2('/token', {
      grant_type: 'client_credentials',
      client_id: clientId,
      client_secret: clientSecret,
    });
    expect(second.status).toBe(200);
    for (const { body } of [first, second]) {
      const token = String(body['access_token']);
      const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<
        string,
        unknown
      >;
      expect(claims).toMatchObject({
        iss: url,
        aud: 'sigstore',
        email: 'builder@example.org',
        email_verified: true,
        sub: clientId,
      });
      expect(Number(claims['exp']) - Number(claims['iat'])).toBeLessThanOrEqual(600);
      const identity = await prover().execute(token);
      expect(identity).toMatchObject({
        issuer: url,
        san: 'builder@example.org',
        sanType: 'email',
        subject: clientId,
      });
      expect(identity.challengeValues).toEqual(['builder@example.org', clientId]);
    }
  });

  test('gives a machine with a key of its own a token, once per assertion', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const jwk = await exportJWK(publicKey);
    const { clientId, clientSecret } = await machines.register({
      name: 'keyed',
      email: 'keyed@example.org',
      publicKeyJwk: { ...jwk },
    });
    expect(clientSecret).toBeUndefined();
    const assertion = await new SignJWT({ jti: 'one' })
      .setProtectedHeader({ alg: 'ES256' })
      .setIssuer(clientId)
      .setSubject(clientId)
      .setAudience(url)
      .setIssuedAt()
      .setExpirationTime('1m')
      .sign(privateKey);
    const form = {
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
    };
    const first = await call('/token', form);
    expect(first).toMatchObject({ status: 200 });
    expect(await call('/token', form)).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  });

  test('refuses a wrong secret and, from that moment on, a revoked machine', async () => {
    const { clientId, clientSecret = '' } = await machines.register({
      name: 'gone',
      email: 'gone@example.org',
    });
    const ask = (secret: string): Promise<Answer> =>
      call('/token', { grant_type: 'client_credentials', client_id: clientId, client_secret: secret });
    expect(await ask('wrong')).toMatchObject({ status: 401 });
    expect(await ask(clientSecret)).toMatchObject({ status: 200 });
    await machines.revoke('gone');
    expect(await ask(clientSecret)).toMatchObject({ status: 401 });
  });

  test('forgets a record at its expiry, and the sweep removes it', async () => {
    const store = new ProviderStore('Session', pool, machines);
    await store.upsert('old', { uid: 'u1' }, -1);
    await store.upsert('new', { uid: 'u2', userCode: 'ABCD', grantId: 'g' }, 60);
    expect(await store.find('old')).toBeUndefined();
    expect(await store.findByUid('u2')).toMatchObject({ uid: 'u2' });
    expect(await sweepRecords(pool)).toBe(1);
    await store.consume('new');
    expect(await store.findByUserCode('ABCD')).toMatchObject({ consumed: expect.any(Number) });
    await store.revokeByGrantId('g');
    expect(await store.find('new')).toBeUndefined();
  });

  test('keeps no secret that could be presented', async () => {
    const { clientId, clientSecret = '' } = await machines.register({
      name: 'kept',
      email: 'kept@example.org',
    });
    const { rows } = await pool.query('SELECT * FROM oidc_machine WHERE client_id = $1', [clientId]);
    expect(JSON.stringify(rows)).not.toContain(clientSecret);
  });

  test('registers a name once until it is revoked, and never a private key', async () => {
    const machine = { name: 'twice', email: 'twice@example.org' };
    const first = await machines.register(machine);
    await expect(machines.register(machine)).rejects.toMatchObject({ code: 'identity/machine-exists' });
    await machines.revoke('twice');
    const second = await machines.register(machine);
    expect(second.clientId).not.toBe(first.clientId);
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const jwk = await exportJWK(privateKey);
    await expect(
      machines.register({ name: 'leak', email: 'leak@example.org', publicKeyJwk: { ...jwk } }),
    ).rejects.toMatchObject({
      code: 'identity/machine',
    });
  });
});
