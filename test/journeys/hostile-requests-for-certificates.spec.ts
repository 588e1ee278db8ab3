/** Bad input on the doors of the certificate authority: refused in Fulcio's own words, and nothing is left behind. */
import 'reflect-metadata';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { generateKeyPairSync } from 'node:crypto';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
import { installation } from '../kit/index.js';
import { HOSTILE_JSON, longLength, nonMinimal, withTrailingOctet } from './hostile-text.js';
import { expectGatewayError } from './refusals.js';
import { askForCertificate, Holder, signingRequest } from './signer.js';
import {
  goodClaims,
  journeyIssuers,
  SOMEBODY,
  tokenOf,
  tokenUnderPublicKey,
  tokenWithForeignSignature,
  unsignedToken,
} from './tokens.js';
import { traces, TRACES_BEFORE_MS, tracesBefore } from './traces.js';
import { announce, ask, askHttp2, post } from './wire.js';

const { origin } = installation();
const PATH = '/api/v2/signingCert';
const NOT_THE_TOKEN = 'There was an error processing the identity token';
const NOT_THE_PROOF = 'The signature supplied in the request could not be verified';
const NOT_A_KEY = 'The public key supplied in the request could not be parsed';
const NOT_A_CSR = 'The certificate signing request could not be parsed';
const WEAK = 'The public key supplied in the request is insecure';
const now = Math.floor(Date.now() / 1000);

let before: unknown;
beforeAll(async () => {
  before = await tracesBefore();
}, TRACES_BEFORE_MS);

const holder = new Holder();

/** A request that would be granted with a good token; `change` spoils the rest. */
function request(parts: { token?: string; content?: string; proof?: string } = {}): object {
  const good = signingRequest(holder, SOMEBODY, parts.token ?? tokenOf(goodClaims()));
  const { publicKey, proofOfPossession } = good.publicKeyRequest;
  return {
    ...good,
    publicKeyRequest: {
      publicKey: { ...publicKey, content: parts.content ?? publicKey.content },
      proofOfPossession: parts.proof ?? proofOfPossession,
    },
  };
}

describe('a token', () => {
  const { emails, subjects } = journeyIssuers();
  const good = goodClaims();
  const without = (name: string): Record<string, unknown> =>
    Object.fromEntries(Object.entries(good).filter(([key]) => key !== name));

  test.each<[string, string]>([
    ['for another audience', tokenOf({ ...good, aud: 'kubernetes' })],
    ['for a list of other audiences', tokenOf({ ...good, aud: ['a', 'sigstore2'] })],
    ['for nobody', tokenOf(without('aud'))],
    ['that has expired', tokenOf({ ...good, exp: now - 1 })],
    ['that never expires', tokenOf(without('exp'))],
    ['whose end is text', tokenOf({ ...good, exp: String(now + 300) })],
    ['that is not valid yet', tokenOf({ ...good, nbf: now + 3600 })],
    ['with no signature', unsignedToken(good)],
    ['signed with the public key as a secret', tokenUnderPublicKey(good)],
    ['with a forged signature', tokenWithForeignSignature(good)],
    ['whose signature was cut off', tokenOf(good).replace(/\.[^.]*$/, '.')],
    ['of an unknown issuer', tokenOf({ ...good, iss: 'https://stranger.invalid' })],
    ['of an issuer like ours', tokenOf({ ...good, iss: `${emails}/` })],
    ['of no issuer', tokenOf(without('iss'))],
    ['that claims to be of the built-in issuer', tokenOf({ ...good, iss: `${origin}/oidc` })],
    ['of no subject', tokenOf(without('sub'))],
    ['with an unverified address', tokenOf({ ...good, email_verified: false })],
    ['with an address that is unverified in words', tokenOf({ ...good, email_verified: 'false' })],
    ['that does not say whether the address is verified', tokenOf(without('email_verified'))],
    ['with no address', tokenOf(without('email'))],
    ['with an address that is none', tokenOf({ ...good, email: 'somebody' })],
    ['with two addresses', tokenOf({ ...good, email: `${SOMEBODY},root@journeys.invalid` })],
    [
      'whose subject is of another domain',
      tokenOf({ ...good, iss: subjects, sub: 'https://elsewhere.invalid/x' }),
    ],
    ['whose subject is no URI', tokenOf({ ...good, iss: subjects, sub: 'x' })],
    ['that names its issuer twice', tokenOf(`${JSON.stringify(good).slice(0, -1)},"iss":"${emails}"}`)],
    ['whose claims are no object', tokenOf('[]')],
    ['of one part', 'token'],
    ['of four parts', `${tokenOf(good)}.x`],
    ['in another alphabet', tokenOf(good).replaceAll('.', '.=')],
    ['of a hundred thousand characters', tokenOf({ ...good, padding: 'x'.repeat(100_000) })],
    ['that is empty', ''],
  ])('%s is refused with 400', async (name, token) => {
    expectGatewayError(name, await askForCertificate(request({ token })), 400, NOT_THE_TOKEN);
  });

  test('in the header is refused like one in the body', async () => {
    const body = signingRequest(holder, SOMEBODY);
    for (const header of ['Bearer x', `Basic ${tokenOf(good)}`, `Bearer ${unsignedToken(good)}`, 'Bearer']) {
      expectGatewayError(
        header,
        await askForCertificate(body, { Authorization: header }),
        400,
        NOT_THE_TOKEN,
      );
    }
  });

  test('that is bad is refused on v1 too', async () => {
    const body = {
      publicKey: { content: Buffer.from(holder.pem).toString('base64') },
      signedEmailAddress: holder.sign(SOMEBODY).toString('base64'),
    };
    const headers = { Authorization: `Bearer ${tokenOf({ ...good, aud: 'others' })}` };
    expectGatewayError('v1', await post(origin, '/api/v1/signingCert', body, headers), 400, NOT_THE_TOKEN);
  });
});

describe('a proof of possession', () => {
  const base64 = (bytes: Buffer): string => bytes.toString('base64');

  test.each<[string, string]>([
    ['of another key', base64(new Holder().sign(SOMEBODY))],
    ['over another name', base64(holder.sign('root@journeys.invalid'))],
    ['over nothing', base64(holder.sign(''))],
    ['that is empty', ''],
    ['that is cut off', base64(holder.sign(SOMEBODY).subarray(0, -1))],
    ['with data behind it', base64(withTrailingOctet(holder.sign(SOMEBODY)))],
    ['in more octets than needed', base64(nonMinimal(holder.sign(SOMEBODY)))],
    ['of two zeros', base64(Buffer.from('3006020100020100', 'hex'))],
    ['that is garbage', base64(Buffer.alloc(70, 7))],
  ])('%s is refused with 400', async (name, proof) => {
    expectGatewayError(name, await askForCertificate(request({ proof })), 400, NOT_THE_PROOF);
  });

  test('that is no base64 is refused with 400', async () => {
    expectGatewayError('no base64', await askForCertificate(request({ proof: '***' })), 400);
  });
});

describe('a key', () => {
  const weak = (pair: ReturnType<typeof generateKeyPairSync>): [string, string] => {
    const pem = (pair.publicKey as unknown as Holder['privateKey'])
      .export({ type: 'spki', format: 'pem' })
      .toString();
    return [pem, new Holder(pair as never).sign(SOMEBODY).toString('base64')];
  };
  const curve = (namedCurve: string) => weak(generateKeyPairSync('ec', { namedCurve }) as never);
  const rsa = (modulusLength: number, publicExponent = 65537) =>
    weak(generateKeyPairSync('rsa', { modulusLength, publicExponent }) as never);
  const permitted = new RegExp(`^(${WEAK}|signing algorithm not permitted.*)$`);

  test.each<[string, () => [string, string]]>([
    ['of 1024 bits RSA', () => rsa(1024)],
    ['of 2056 bits RSA', () => rsa(2056)],
    ['of RSA with exponent 3', () => rsa(2048, 3)],
    ['on P-224', () => curve('secp224r1')],
    ['on the curve of coins', () => curve('secp256k1')],
    ['on a Brainpool curve', () => curve('brainpoolP256r1')],
    [
      'for Ed448',
      () => {
        const pair = generateKeyPairSync('ed448');
        return [pair.publicKey.export({ type: 'spki', format: 'pem' }).toString(), 'AAAA'];
      },
    ],
    [
      'that cannot sign',
      () => {
        const pair = generateKeyPairSync('x25519');
        return [pair.publicKey.export({ type: 'spki', format: 'pem' }).toString(), 'AAAA'];
      },
    ],
  ])('%s is refused as insecure or unknown', async (name, make) => {
    const [content, proof] = make();
    expectGatewayError(
      name,
      await askForCertificate(request({ content, proof })),
      400,
      new RegExp(`${permitted.source}|^${NOT_A_KEY}$`),
    );
  });

  const pem = (der: Buffer, label = 'PUBLIC KEY'): string =>
    `-----BEGIN ${label}-----\n${der.toString('base64').replaceAll(/.{64}/g, '$&\n')}\n-----END ${label}-----\n`;

  test.each<[string, string]>([
    ['that is empty', ''],
    ['that is garbage', 'garbage'],
    ['cut off', pem(holder.spki.subarray(0, -3))],
    ['with data behind it', pem(withTrailingOctet(holder.spki))],
    ['with a length of more octets than needed', pem(longLength(holder.spki))],
    ['beside another', holder.pem + new Holder().pem],
    ['under the label of a certificate', pem(holder.spki, 'CERTIFICATE')],
    ['under the label of a private key', pem(holder.spki, 'PRIVATE KEY')],
    [
      'not on its curve',
      pem(Buffer.concat([holder.spki.subarray(0, -1), Buffer.from([(holder.spki.at(-1) ?? 0) ^ 1])])),
    ],
    [
      'at infinity',
      pem(
        Buffer.concat([
          Buffer.from('301a301306072a8648ce3d020106082a8648ce3d030107030300', 'hex'),
          Buffer.from([0, 0]),
        ]),
      ),
    ],
  ])('%s is refused with 400', async (name, content) => {
    expectGatewayError(name, await askForCertificate(request({ content })), 400, NOT_A_KEY);
  });
});

describe('a certificate request', () => {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  async function csr(change: (der: Buffer) => Buffer): Promise<object> {
    const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const made = await Pkcs10CertificateRequestGenerator.create({
      name: '',
      keys,
      signingAlgorithm: algorithm,
    });
    const body = change(Buffer.from(made.rawData)).toString('base64');
    const text = `-----BEGIN CERTIFICATE REQUEST-----\n${body}\n-----END CERTIFICATE REQUEST-----\n`;
    return {
      credentials: { oidcIdentityToken: tokenOf(goodClaims()) },
      certificateSigningRequest: Buffer.from(text).toString('base64'),
    };
  }

  test('whose own signature does not hold is refused', async () => {
    // An octet of the key, so that the signature stays well formed.
    const body = await csr((der) => {
      const at = der.length - 90;
      der[at] = (der[at] ?? 0) ^ 1;
      return der;
    });
    const answer = await askForCertificate(body);
    expectGatewayError(
      'signature',
      answer,
      400,
      new RegExp(`^(${NOT_THE_PROOF}|${NOT_A_CSR}|${NOT_A_KEY})$`),
    );
  });

  test('that does not parse is refused', async () => {
    for (const change of [
      withTrailingOctet,
      (der: Buffer) => der.subarray(0, -2),
      () => Buffer.from('garbage'),
      () => Buffer.alloc(0),
    ]) {
      expectGatewayError('does not parse', await askForCertificate(await csr(change)), 400, NOT_A_CSR);
    }
    const noPem = {
      credentials: { oidcIdentityToken: tokenOf(goodClaims()) },
      certificateSigningRequest: 'Z2FyYmFnZQ==',
    };
    expectGatewayError('no PEM', await askForCertificate(noPem), 400, NOT_A_CSR);
  });
});

describe('a body', () => {
  test.each(HOSTILE_JSON)('of %s is refused with 400, on v2 and v1', async (name, body) => {
    expectGatewayError(name, await post(origin, PATH, body), 400);
    expectGatewayError(name, await post(origin, '/api/v1/signingCert', body), 400);
  });

  test('whose members have other types is refused with 400', async () => {
    for (const body of [
      { credentials: 'x' },
      { publicKeyRequest: [] },
      { credentials: { oidcIdentityToken: 1 } },
      { publicKeyRequest: { publicKey: { content: {} } } },
    ]) {
      expectGatewayError(JSON.stringify(body), await post(origin, PATH, body), 400);
    }
  });

  test('larger than four mebibytes is refused with 413', async () => {
    const body = `{"padding":"${'x'.repeat(4 * 1024 * 1024)}"}`;
    expectGatewayError('HTTP/1.1', await announce(origin, PATH, body.length), 413);
    const answer = await askHttp2(origin, {
      method: 'POST',
      path: PATH,
      body,
      headers: { 'content-type': 'application/json' },
    });
    expectGatewayError('HTTP/2', answer, 413);
  });
});

test('another method or a path below is not served, in the same shape', async () => {
  for (const method of ['GET', 'PUT', 'DELETE', 'PATCH'])
    expectGatewayError(method, await ask(origin, { method, path: PATH }), [404, 405, 501]);
  expectGatewayError('below', await post(origin, `${PATH}/x`, {}), 404);
  expectGatewayError('below', await post(origin, `${PATH}/..%2f..`, {}), 404);
});

test('none of this left a trace', async () => {
  expect(await traces()).toEqual(before);
});
