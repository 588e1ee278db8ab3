/** CONTRACTS §1, §2.3 and checklist lines 1 to 4, on the wire. */
import 'reflect-metadata';
import { describe, expect, test } from '@jest/globals';
import { createHash, createPublicKey, generateKeyPairSync, verify, X509Certificate } from 'node:crypto';
import {
  credentials as grpcCredentials,
  makeGenericClientConstructor,
  Metadata,
  status,
} from '@grpc/grpc-js';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
import {
  CreateSigningCertificateRequestSchema,
  SigningCertificateSchema,
} from '../../apps/appliance/src/doors/fulcio/generated/fulcio_pb.js';
import { parseSct, parseSctListExtension, sctSignedInput } from '#core/ct';
import { loggedTbs, parseCertificate } from '#core/x509';
import { installation } from '../kit/index.js';
import { askForCertificate, claimsOf, Holder, machineToken, signingRequest } from './signer.js';
import { goodClaims, journeyIssuers, SOMEBODY, tokenOf } from './tokens.js';
import { ctKey, trustedRoot } from './trust.js';
import { ask, askHttp2, post, trustedAuthority } from './wire.js';

const { origin, identity } = installation();
const FULCIO = '1.3.6.1.4.1.57264.1';

interface V2Answer {
  signedCertificateEmbeddedSct: { chain: { certificates: string[] } };
}

function chainOf(text: string): string[] {
  const answer = JSON.parse(text) as V2Answer;
  expect(Object.keys(answer)).toEqual(['signedCertificateEmbeddedSct']);
  expect(Object.keys(answer.signedCertificateEmbeddedSct)).toEqual(['chain']);
  expect(Object.keys(answer.signedCertificateEmbeddedSct.chain)).toEqual(['certificates']);
  return answer.signedCertificateEmbeddedSct.chain.certificates;
}

function issuingChain(): Buffer[] {
  const [authority] = trustedRoot().certificateAuthorities;
  return (authority?.certChain.certificates ?? []).map(({ rawBytes }) => Buffer.from(rawBytes, 'base64'));
}

function expectChain(chain: readonly string[], holder: Holder): X509Certificate {
  expect(chain).toHaveLength(3);
  for (const pem of chain) {
    expect(pem).toMatch(
      /^-----BEGIN CERTIFICATE-----\n(?:[A-Za-z0-9+/=]{1,64}\n)+-----END CERTIFICATE-----$/,
    );
  }
  const [leaf, intermediate, root] = chain.map((pem) => new X509Certificate(pem));
  if (leaf === undefined || intermediate === undefined || root === undefined) throw new Error('no chain');
  expect(leaf.publicKey.export({ type: 'spki', format: 'der' })).toEqual(holder.spki);
  expect(leaf.verify(intermediate.publicKey)).toBe(true);
  expect(intermediate.verify(root.publicKey)).toBe(true);
  expect(root.verify(root.publicKey)).toBe(true);
  expect([intermediate.raw, root.raw]).toEqual(issuingChain());
  return leaf;
}

/** The PEM of an EC key with its base64 on one long line, as sigstore-java writes it. */
function oneLine(pem: string): string {
  const [begin, ...rest] = pem.trim().split('\n');
  return `${begin}\n${rest.slice(0, -1).join('')}\n${rest.at(-1)}\n`;
}

async function signingCsr(): Promise<{ holder: Holder; pem: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const csr = await Pkcs10CertificateRequestGenerator.create({ name: '', keys, signingAlgorithm: algorithm });
  const spki = Buffer.from(await crypto.subtle.exportKey('spki', keys.publicKey));
  const holder = new Holder();
  return { holder: Object.assign(holder, { spki }), pem: csr.toString('pem') };
}

describe('Fulcio v2', () => {
  test('answers 200, bare application/json, one top-level member, trimmed PEM from leaf to root', async () => {
    const holder = new Holder();
    const answer = await askForCertificate(signingRequest(holder, identity, await machineToken()), {
      Accept: 'application/pem-certificate-chain',
    });
    expect(answer.statusLine).toBe('HTTP/1.1 200 OK');
    expect(answer.headers['content-type']).toBe('application/json');
    expect(answer.headers['content-length']).toBe(String(answer.body.length));
    expect(answer.headers).not.toHaveProperty('etag');
    expect(answer.headers).not.toHaveProperty('content-encoding');
    expectChain(chainOf(answer.text), holder);
  });

  test('takes the token from the header, ignores the algorithm and what it does not know, reads one-line PEM', async () => {
    const holder = new Holder();
    const request = signingRequest(holder, identity);
    for (const [algorithm, content] of [
      ['RSA', holder.pem],
      ['anything', oneLine(holder.pem)],
    ] as const) {
      const body = {
        publicKeyRequest: { ...request.publicKeyRequest, publicKey: { algorithm, content }, novelty: 1 },
        unheardOf: { of: [] },
      };
      const answer = await askForCertificate(body, { Authorization: `Bearer ${await machineToken()}` });
      expect(answer.status).toBe(200);
      expectChain(chainOf(answer.text), holder);
    }
  });

  test('takes a certificate request in place of a proof', async () => {
    const { holder, pem } = await signingCsr();
    const body = { certificateSigningRequest: Buffer.from(pem).toString('base64') };
    const answer = await askForCertificate(body, { Authorization: `Bearer ${await machineToken()}` });
    expect(answer.text).toContain('signedCertificateEmbeddedSct');
    expectChain(chainOf(answer.text), holder);
  });

  test('is served under a double slash, with a trailing one, and over HTTP/2', async () => {
    const holder = new Holder();
    const token = await machineToken();
    const body = JSON.stringify(signingRequest(holder, identity, token));
    for (const path of ['//api/v2/signingCert', '/api/v2/signingCert/']) {
      expect((await post(origin, path, body)).status).toBe(200);
    }
    const answer = await askHttp2(origin, {
      method: 'POST',
      path: '/api/v2/signingCert',
      body,
      headers: { 'content-type': 'application/json' },
    });
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('application/json');
    expectChain(chainOf(answer.text), holder);
  });

  test('takes every kind of key that upstream takes by default', async () => {
    const pairs = [
      generateKeyPairSync('ec', { namedCurve: 'P-384' }),
      generateKeyPairSync('ec', { namedCurve: 'P-521' }),
      generateKeyPairSync('rsa', { modulusLength: 2048 }),
      generateKeyPairSync('ed25519'),
    ];
    const token = await machineToken();
    for (const pair of pairs) {
      const holder = new Holder(pair);
      const answer = await askForCertificate(signingRequest(holder, identity, token));
      expect([pair.publicKey.asymmetricKeyType, answer.status]).toEqual([
        pair.publicKey.asymmetricKeyType,
        200,
      ]);
      expectChain(chainOf(answer.text), holder);
    }
  });

  test('accepts a proof over the subject and over the e-mail address, when the token holds both', async () => {
    const { subjects } = journeyIssuers();
    const subject = `${subjects}/builder/7`;
    const token = tokenOf(goodClaims({ iss: subjects, sub: subject }));
    for (const proved of [subject, SOMEBODY]) {
      const holder = new Holder();
      const answer = await askForCertificate(signingRequest(holder, proved, token));
      expect([proved, answer.status]).toEqual([proved, 200]);
      expect(expectChain(chainOf(answer.text), holder).subjectAltName).toBe(`URI:${subject}`);
    }
  });
});

describe('a leaf', () => {
  async function leaf() {
    const holder = new Holder();
    const token = await machineToken();
    const answer = await askForCertificate(signingRequest(holder, identity, token));
    const x509 = expectChain(chainOf(answer.text), holder);
    return { x509, read: parseCertificate(new Uint8Array(x509.raw)), token };
  }

  test('has the profile: ten minutes, empty subject, critical SAN, key usage, both issuer extensions, the subject of the token', async () => {
    const { x509, read, token } = await leaf();
    expect(read.notAfterMs - read.notBeforeMs).toBe(600_000);
    expect(Math.abs(Date.now() - read.notBeforeMs)).toBeLessThan(10_000);
    expect(Buffer.from(read.subjectDer).toString('hex')).toBe('3000');
    expect(x509.subjectAltName).toBe(`email:${identity}`);
    const issuer = `${origin}/oidc`;
    const subject = String(claimsOf(token)['sub']);
    const utf8 = (text: string) =>
      Buffer.concat([Buffer.from([12, text.length]), Buffer.from(text)]).toString('hex');
    const extensions = read.extensions.map(({ oid, critical, value }) => [
      oid,
      critical,
      Buffer.from(value).toString('hex'),
    ]);
    expect(extensions.map(([oid, critical]) => `${oid}${critical === true ? ' critical' : ''}`)).toEqual([
      '2.5.29.15 critical',
      '2.5.29.37',
      '2.5.29.14',
      '2.5.29.35',
      '2.5.29.17 critical',
      `${FULCIO}.1`,
      `${FULCIO}.8`,
      `${FULCIO}.24`,
      '1.3.6.1.4.1.11129.2.4.2',
    ]);
    expect(extensions[0]).toEqual(['2.5.29.15', true, '03020780']);
    expect(extensions[1]).toEqual(['2.5.29.37', false, '300a06082b06010505070303']);
    const keyBits = parseCertificate(new Uint8Array(x509.raw)).spki.slice(-65);
    expect(extensions[2]).toEqual([
      '2.5.29.14',
      false,
      `0414${createHash('sha1').update(keyBits).digest('hex')}`,
    ]);
    expect(extensions[5]).toEqual([`${FULCIO}.1`, false, Buffer.from(issuer).toString('hex')]);
    expect(extensions[6]).toEqual([`${FULCIO}.8`, false, utf8(issuer)]);
    expect(extensions[7]).toEqual([`${FULCIO}.24`, false, utf8(subject)]);
  });

  test('carries exactly one SCT, which verifies with the key of the certificate log', async () => {
    const { read } = await leaf();
    const [intermediate] = issuingChain();
    if (intermediate === undefined) throw new Error('no intermediate');
    const list = read.extensions.find(({ oid }) => oid === '1.3.6.1.4.1.11129.2.4.2');
    const scts = parseSctListExtension(list?.value ?? new Uint8Array());
    expect(scts).toHaveLength(1);
    const sct = parseSct(scts[0] ?? new Uint8Array());
    expect(sct.extensions).toHaveLength(0);
    expect(Buffer.from(sct.logId)).toEqual(ctKey().logId);
    expect(Math.abs(Date.now() - Number(sct.timestampMs))).toBeLessThan(10_000);
    const issuerSpki = new X509Certificate(intermediate).publicKey.export({ type: 'spki', format: 'der' });
    const input = sctSignedInput(sct.timestampMs, {
      kind: 'precertificate',
      issuerKeyHash: createHash('sha256').update(issuerSpki).digest(),
      tbs: loggedTbs(read.tbs),
    });
    expect(
      verify(
        'sha256',
        input,
        createPublicKey({ key: ctKey().spki, format: 'der', type: 'spki' }),
        sct.signature,
      ),
    ).toBe(true);
  });
});

describe('Fulcio over gRPC', () => {
  const Client = makeGenericClientConstructor(
    {
      CreateSigningCertificate: {
        path: '/dev.sigstore.fulcio.v2.CA/CreateSigningCertificate',
        requestStream: false,
        responseStream: false,
        requestSerialize: (value: Buffer) => value,
        requestDeserialize: (bytes: Buffer) => bytes,
        responseSerialize: (value: Buffer) => value,
        responseDeserialize: (bytes: Buffer) => bytes,
      },
    },
    'CA',
  );

  interface Call {
    readonly code: number;
    readonly details: string;
    readonly answer?: Buffer | undefined;
  }

  function call(message: Uint8Array): Promise<Call> {
    const client = new Client(
      new URL(origin).host,
      grpcCredentials.createSsl(Buffer.from(trustedAuthority())),
    );
    const method = client['CreateSigningCertificate'] as unknown as (
      this: unknown,
      message: Buffer,
      metadata: Metadata,
      options: { deadline: number },
      done: (error: { code: number; details: string } | null, answer?: Buffer) => void,
    ) => void;
    return new Promise((resolve) => {
      method.call(
        client,
        Buffer.from(message),
        new Metadata(),
        { deadline: Date.now() + 5000 },
        (error, answer) => {
          client.close();
          resolve(
            error === null
              ? { code: status.OK, details: '', answer }
              : { code: error.code, details: error.details },
          );
        },
      );
    });
  }

  function request(holder: Holder, token: string, proof = holder.sign(identity)): Uint8Array {
    return toBinary(CreateSigningCertificateRequestSchema, {
      $typeName: 'dev.sigstore.fulcio.v2.CreateSigningCertificateRequest',
      credentials: {
        $typeName: 'dev.sigstore.fulcio.v2.Credentials',
        credentials: { case: 'oidcIdentityToken', value: token },
      },
      key: {
        case: 'publicKeyRequest',
        value: {
          $typeName: 'dev.sigstore.fulcio.v2.PublicKeyRequest',
          publicKey: {
            $typeName: 'dev.sigstore.fulcio.v2.PublicKey',
            algorithm: 1,
            content: oneLine(holder.pem),
          },
          proofOfPossession: new Uint8Array(proof),
        },
      },
    });
  }

  test('issues on the same port to another library’s client', async () => {
    const holder = new Holder();
    const { code, answer } = await call(request(holder, await machineToken()));
    expect(code).toBe(status.OK);
    const { certificate } = fromBinary(SigningCertificateSchema, new Uint8Array(answer ?? Buffer.alloc(0)));
    if (certificate.case !== 'signedCertificateEmbeddedSct') throw new Error('another case');
    expectChain(certificate.value.chain?.certificates ?? [], holder);
  });

  test('refuses with INVALID_ARGUMENT and upstream’s sentences', async () => {
    const holder = new Holder();
    const token = await machineToken();
    expect(await call(request(holder, token, new Holder().sign(identity)))).toEqual({
      code: status.INVALID_ARGUMENT,
      details: 'The signature supplied in the request could not be verified',
    });
    expect(await call(request(holder, tokenOf(goodClaims({ aud: 'others' }))))).toEqual({
      code: status.INVALID_ARGUMENT,
      details: 'There was an error processing the identity token',
    });
  });

  test('answers a message that is no protocol buffer within its own protocol', async () => {
    const { code } = await call(Uint8Array.of(0xff, 0xff, 0xff, 0xff));
    expect([status.INVALID_ARGUMENT, status.INTERNAL]).toContain(code);
  });
});

describe('Fulcio v1', () => {
  test('answers 201 with PEM, trimmed, and no SCT header', async () => {
    const headers = { Authorization: `Bearer ${await machineToken()}` };
    for (const spelling of ['pem', 'der'] as const) {
      const holder = new Holder();
      const body = {
        publicKey: {
          algorithm: 'ecdsa',
          content: Buffer.from(spelling === 'pem' ? holder.pem : holder.spki).toString('base64'),
        },
        signedEmailAddress: holder.sign(identity).toString('base64'),
      };
      const answer = await post(origin, '/api/v1/signingCert', body, headers);
      expect(answer.statusLine).toBe('HTTP/1.1 201 Created');
      expect(answer.headers['content-type']).toBe('application/pem-certificate-chain');
      expect(answer.headers).not.toHaveProperty('sct');
      const chain = answer.text.split(/(?<=-----END CERTIFICATE-----)\n/);
      expect(chain.join('\n')).toBe(answer.text);
      expectChain(chain, holder);
    }
  });

  test('gives the chain of the authority for bootstrapping', async () => {
    const answer = await ask(origin, { path: '/api/v1/rootCert' });
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('application/pem-certificate-chain');
    const chain = answer.text
      .split(/(?<=-----END CERTIFICATE-----)\n/)
      .map((pem) => new X509Certificate(pem).raw);
    expect(chain).toEqual(issuingChain());
  });
});

describe('Fulcio tells', () => {
  test('its trust bundle, issuing certificate first', async () => {
    const answer = await ask(origin, { path: '/api/v2/trustBundle' });
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/json']);
    const { chains } = JSON.parse(answer.text) as { chains: { certificates: string[] }[] };
    expect(chains).toHaveLength(1);
    expect(chains[0]?.certificates.map((pem) => new X509Certificate(pem).raw)).toEqual(issuingChain());
  });

  test('its issuers, and that it lives', async () => {
    const answer = await ask(origin, { path: '/api/v2/configuration' });
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/json']);
    const { issuers } = JSON.parse(answer.text) as { issuers: object[] };
    expect(issuers).toContainEqual(
      expect.objectContaining({
        issuerUrl: `${origin}/oidc`,
        audience: 'sigstore',
        challengeClaim: 'email',
        issuerType: 'email',
      }),
    );
    expect((await ask(origin, { path: '/healthz' })).status).toBe(200);
  });

  test('browsers of any origin what they ask', async () => {
    const preflight = await ask(origin, {
      method: 'OPTIONS',
      path: '/api/v2/signingCert',
      headers: { Origin: 'https://console.example', 'Access-Control-Request-Method': 'POST' },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers['access-control-allow-origin']).toBe('*');
  });
});
