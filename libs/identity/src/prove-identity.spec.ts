import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { exportJWK, SignJWT } from 'jose';
import { Fault } from '#core/fault';
import type { JsonValue } from '#core/json';
import { HeldClock } from '#platform';
import type { FetchJson } from './fetch-json.js';
import { parseIssuersFile } from './issuers-file.js';
import { ProveIdentity } from './prove-identity.js';

const ISSUER = 'https://iss.example.com';
const NOW_S = 1_800_000_000;
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });

const FILE = parseIssuersFile(`
oidc-issuers:
  ${ISSUER}: { issuer-url: ${ISSUER}, client-id: sigstore, type: email }
meta-issuers:
  https://oidc.eks.*.amazonaws.com/id/*: { client-id: sigstore, type: kubernetes }
`);

const jwk = async (key: KeyObject, extra: object = {}): Promise<JsonValue> =>
  ({ ...(await exportJWK(key)), ...extra }) as JsonValue;

interface Network {
  readonly fetch: FetchJson;
  readonly asked: string[];
  keys: JsonValue[];
  discovery: Record<string, JsonValue>;
}

function network(keys: JsonValue[], discovery: Record<string, JsonValue> = {}): Network {
  const state: Network = {
    asked: [],
    keys,
    discovery: { issuer: ISSUER, jwks_uri: `${ISSUER}/keys`, ...discovery },
    fetch: (url) => {
      state.asked.push(url);
      if (url === `${ISSUER}/.well-known/openid-configuration`) return Promise.resolve(state.discovery);
      if (url === `${ISSUER}/keys`) return Promise.resolve({ keys: state.keys });
      return Promise.reject(new Fault('unavailable', 'identity/issuer-unreachable', 'no such host'));
    },
  };
  return state;
}

const CLAIMS = {
  iss: ISSUER,
  sub: 'alice',
  aud: 'sigstore',
  email: 'alice@example.com',
  email_verified: true,
  iat: NOW_S,
  exp: NOW_S + 60,
};

function token(claims: object = {}, header: object = {}, key: KeyObject = rsa.privateKey): Promise<string> {
  return new SignJWT({ ...CLAIMS, ...claims })
    .setProtectedHeader({ alg: 'RS256', kid: 'one', ...header })
    .sign(key);
}

async function bench(): Promise<{ net: Network; clock: HeldClock; proof: ProveIdentity }> {
  const net = network([await jwk(rsa.publicKey, { kid: 'one' })]);
  const clock = new HeldClock(NOW_S * 1000);
  return { net, clock, proof: new ProveIdentity({ issuers: FILE, clock, fetch: net.fetch }) };
}

async function refusal(compact: string): Promise<string> {
  const { proof } = await bench();
  return proof.execute(compact).then(
    () => 'believed',
    (error: unknown) => (error instanceof Fault ? error.code : `defect: ${String(error)}`),
  );
}

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('an identity token', () => {
  test('becomes an identity', async () => {
    const { proof, net } = await bench();
    await expect(proof.execute(await token())).resolves.toEqual({
      issuer: ISSUER,
      tokenIssuer: ISSUER,
      subject: 'alice',
      type: 'email',
      sanType: 'email',
      san: 'alice@example.com',
      challengeValues: ['alice@example.com', 'alice'],
      extensions: [
        ['1.3.6.1.4.1.57264.1.1', ISSUER],
        ['1.3.6.1.4.1.57264.1.8', ISSUER],
        ['1.3.6.1.4.1.57264.1.24', 'alice'],
      ],
      claims: {
        iss: ISSUER,
        sub: 'alice',
        aud: 'sigstore',
        email: 'alice@example.com',
        email_verified: 'true',
        iat: String(NOW_S),
        exp: String(NOW_S + 60),
      },
      expiresAt: NOW_S + 60,
    });
    await proof.execute(await token());
    expect(net.asked).toHaveLength(2);
  });

  test('may name us among other audiences', async () => {
    expect(await refusal(await token({ aud: ['other', 'sigstore'] }))).toBe('believed');
  });

  test.each([
    ['another audience', { aud: 'other' }, 'identity/token-audience'],
    ['an audience that only begins like ours', { aud: 'sigstore2' }, 'identity/token-audience'],
    ['no audience', { aud: undefined }, 'identity/token-audience'],
    ['an expiry just past', { exp: NOW_S - 1 }, 'identity/token-expired'],
    ['no expiry', { exp: undefined }, 'identity/token-malformed'],
    ['an expiry in text', { exp: String(NOW_S + 60) }, 'identity/token-malformed'],
    ['a start more than five minutes ahead', { nbf: NOW_S + 301 }, 'identity/token-not-yet-valid'],
    ['an issuer that is not configured', { iss: 'https://evil.example' }, 'identity/unknown-issuer'],
    [
      'an issuer that only contains a configured one',
      { iss: `https://evil.example/?${ISSUER}` },
      'identity/unknown-issuer',
    ],
    ['an issuer with a slash more', { iss: `${ISSUER}/` }, 'identity/unknown-issuer'],
    ['an issuer in another case', { iss: ISSUER.toUpperCase() }, 'identity/unknown-issuer'],
    [
      'an issuer whose wildcard part holds more than a label',
      { iss: 'https://oidc.eks.evil.example/x.amazonaws.com/id/A' },
      'identity/unknown-issuer',
    ],
    ['our audience one list too deep', { aud: [['sigstore']] }, 'identity/token-audience'],
    ['our audience as an object', { aud: { sigstore: 'sigstore' } }, 'identity/token-audience'],
    ['a list of issuers', { iss: [ISSUER] }, 'identity/token-malformed'],
    [
      'an address with a second one behind a control character',
      { email: 'a@b.example\u0000@c.example' },
      'identity/not-an-email',
    ],
    ['an address with a line break', { email: 'alice@example.com\n' }, 'identity/not-an-email'],
    ['an address in quotes', { email: '"a@b.example"@c.example' }, 'identity/not-an-email'],
    ['an address beyond ASCII', { email: '\u0430lice@example.com' }, 'identity/not-an-email'],
    ['a list of addresses', { email: ['alice@example.com'] }, 'identity/claim-missing'],
    ['two addresses', { email: 'a@b.example,c@d.example' }, 'identity/not-an-email'],
    ['a verification that is a number', { email_verified: 1 }, 'identity/email-unverified'],
    ['no issuer', { iss: undefined }, 'identity/token-malformed'],
    ['no subject', { sub: undefined }, 'identity/token-malformed'],
    ['an unverified address', { email_verified: false }, 'identity/email-unverified'],
    ['a subject with control characters', { sub: 'a\u0000b' }, 'identity/unfit-name'],
  ])('with %s is refused', async (_name, claims, code) => {
    expect(await refusal(await token(claims))).toBe(code);
  });

  test('may start within five minutes, and is good in the second of its expiry', async () => {
    expect(await refusal(await token({ nbf: NOW_S + 300 }))).toBe('believed');
    expect(await refusal(await token({ exp: NOW_S }))).toBe('believed');
  });

  test('without signature is refused', async () => {
    for (const alg of ['none', 'None', 'nOnE']) {
      expect(await refusal(`${encode({ alg })}.${encode(CLAIMS)}.`)).toBe('identity/token-algorithm');
    }
  });

  test('signed with the public key as an HMAC secret is refused', async () => {
    const unsigned = `${encode({ alg: 'HS256', kid: 'one' })}.${encode(CLAIMS)}`;
    const secret = rsa.publicKey.export({ format: 'pem', type: 'spki' });
    const mac = createHmac('sha256', secret).update(unsigned).digest('base64url');
    expect(await refusal(`${unsigned}.${mac}`)).toBe('identity/token-algorithm');
  });

  test('signed with an algorithm that the issuer does not announce is refused', async () => {
    expect(await refusal(await token({}, { alg: 'RS512' }))).toBe('identity/token-algorithm');
    expect(await refusal(await token({}, { alg: 'ES256' }, ec.privateKey))).toBe('identity/token-algorithm');
  });

  test('signed with any announced algorithm is believed, but never with HS256 or none', async () => {
    const { net, proof } = await bench();
    net.keys.push(await jwk(ec.publicKey, { kid: 'two' }));
    net.discovery['id_token_signing_alg_values_supported'] = ['none', 'HS256', 'RS256', 'ES256'];
    await expect(
      proof.execute(await token({}, { alg: 'ES256', kid: 'two' }, ec.privateKey)),
    ).resolves.toBeDefined();
    await expect(proof.execute(`${encode({ alg: 'none' })}.${encode(CLAIMS)}.`)).rejects.toMatchObject({
      code: 'identity/token-algorithm',
    });
  });

  test('signed by somebody else, or changed, is refused', async () => {
    expect(await refusal(await token({}, {}, other.privateKey))).toBe('identity/token-signature');
    const [head = '', , signature = ''] = (await token()).split('.');
    expect(await refusal(`${head}.${encode({ ...CLAIMS, sub: 'mallory' })}.${signature}`)).toBe(
      'identity/token-signature',
    );
  });

  test('that brings its own key, or says where to fetch one, is refused and fetches nothing there', async () => {
    const foreign = await exportJWK(other.publicKey);
    for (const header of [
      { jwk: foreign },
      { jku: 'https://evil.example/keys' },
      { x5u: 'https://evil.example/chain' },
      { kid: '../../one' },
      { kid: undefined },
    ]) {
      const { proof, net } = await bench();
      await expect(proof.execute(await token({}, header, other.privateKey))).rejects.toMatchObject({
        code: 'identity/token-signature',
      });
      expect(net.asked.filter((url) => !url.startsWith(`${ISSUER}/`))).toEqual([]);
    }
  });

  test('that asks for extensions is refused', async () => {
    const unsigned = `${encode({ alg: 'RS256', kid: 'one', crit: ['exp'] })}.${encode(CLAIMS)}`;
    expect(await refusal(`${unsigned}.AAAA`)).toBe('identity/token-malformed');
  });

  test.each([
    '',
    'x',
    'a.b',
    'a.b.c',
    'a.b.c.d',
    `${'a'.repeat(70_000)}.b.c`,
    `${encode({ alg: 'RS256' })}.${encode([])}.x`,
  ])('is refused when it is no token', async (compact) => {
    expect(await refusal(compact)).toBe('identity/token-malformed');
  });

  test('with a claim twice is refused: two readers would see two tokens', async () => {
    const claims = JSON.stringify(CLAIMS).replace('{', '{"sub":"mallory",');
    expect(await refusal(`${encode({ alg: 'RS256' })}.${Buffer.from(claims).toString('base64url')}.x`)).toBe(
      'identity/token-malformed',
    );
  });

  test('of a foreign or stale kind costs no fetch', async () => {
    const { proof, net } = await bench();
    for (const claims of [{ iss: 'https://evil.example' }, { aud: 'x' }, { exp: 1 }]) {
      await expect(proof.execute(await token(claims))).rejects.toBeInstanceOf(Fault);
    }
    expect(net.asked).toEqual([]);
  });
});

describe('keys of an issuer', () => {
  test('are asked for again when a token names an unknown one, at most once per half minute', async () => {
    const { proof, net, clock } = await bench();
    await proof.execute(await token());
    net.keys = [await jwk(other.publicKey, { kid: 'new' })];
    const rotated = await token({}, { kid: 'new' }, other.privateKey);
    await expect(proof.execute(rotated)).rejects.toMatchObject({ code: 'identity/token-signature' });
    expect(net.asked).toHaveLength(2);
    clock.advance(30_000);
    await expect(Promise.all([proof.execute(rotated), proof.execute(rotated)])).resolves.toHaveLength(2);
    expect(net.asked).toHaveLength(4);
    for (let turn = 0; turn < 5; turn++) {
      await expect(proof.execute(await token({}, { kid: `made-up-${turn}` }))).rejects.toMatchObject({
        code: 'identity/token-signature',
      });
    }
    expect(net.asked).toHaveLength(4);
  });

  test('that were withdrawn stop counting within a quarter of an hour', async () => {
    const { proof, net, clock } = await bench();
    await proof.execute(await token());
    net.keys = [];
    clock.advance(15 * 60_000);
    await expect(proof.execute(await token({ exp: NOW_S + 3600 }))).rejects.toMatchObject({
      code: 'identity/token-signature',
    });
  });

  test('are refused from a discovery document that names another issuer', async () => {
    const { proof, net } = await bench();
    net.discovery['issuer'] = 'https://evil.example';
    await expect(proof.execute(await token())).rejects.toMatchObject({
      code: 'identity/discovery',
      kind: 'unavailable',
    });
  });

  test('that cannot be had make the CA unavailable, not the token wrong', async () => {
    const { proof, net } = await bench();
    net.discovery['jwks_uri'] = 'https://elsewhere.example/keys';
    await expect(proof.execute(await token())).rejects.toMatchObject({
      code: 'identity/issuer-unreachable',
      kind: 'unavailable',
    });
  });

  test('include no shared secret and no private key, even when an issuer publishes one', async () => {
    const { proof, net } = await bench();
    net.keys = [{ kty: 'oct', k: 'c2VjcmV0', kid: 'one' }, await jwk(rsa.privateKey, { kid: 'one' })];
    await expect(proof.execute(await token())).rejects.toMatchObject({ code: 'identity/token-signature' });
  });
});
