import 'reflect-metadata';
import { createPublicKey, generateKeyPairSync, type KeyObject, sign, webcrypto } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
import { X509Certificate } from '@sigstore/core';
import { Verifier } from '@sigstore/verify';
import { parsePublicKey } from '#core/crypto';
import { formatSct, logIdOf, sctSignedInput } from '#core/ct';
import { Fault } from '#core/fault';
import { concat, fromUtf8, toBase64, toHex } from '#core/octets';
import { formatPem } from '#core/pem';
import { parseCertificate } from '#core/x509';
import type { Identity } from '#identity';
import { HeldClock } from '#platform';
import { GENESIS_MS, pseudoRandom, softwarePki } from '../../../test/kit/software-pki.js';
import type { IssuanceIntent } from './issuance-record.js';
import {
  type CertificateLog,
  IssueCertificate,
  type IssueCertificatePorts,
  type IssuedCertificate,
} from './issue-certificate.js';
import { issuingCa } from './issuing-ca.js';
import type { KeyClaim } from './prove-key.js';

const pki = softwarePki();
const NOW_MS = GENESIS_MS + 86_400_000;

const ALICE: Identity = {
  issuer: 'https://id.example',
  tokenIssuer: 'https://id.example',
  subject: 'alice',
  type: 'email',
  sanType: 'email',
  san: 'alice@example.org',
  challengeValues: ['alice@example.org', 'alice'],
  extensions: [
    ['1.3.6.1.4.1.57264.1.1', 'https://id.example'],
    ['1.3.6.1.4.1.57264.1.8', 'https://id.example'],
    ['1.3.6.1.4.1.57264.1.24', 'alice'],
  ],
  claims: { sub: 'alice' },
  expiresAt: NOW_MS / 1000 + 60,
};

/** What happened, in order: the argument of the story is its order. */
interface Bench {
  readonly story: IssueCertificate;
  readonly events: string[];
  readonly intents: IssuanceIntent[];
  readonly denials: string[];
}

function promising(key = pki.ctLog): CertificateLog {
  return {
    promise: (tbs, issuerKeyHash) => {
      const entry = { kind: 'precertificate', issuerKeyHash, tbs } as const;
      const timestampMs = BigInt(NOW_MS);
      return Promise.resolve(
        formatSct({
          logId: logIdOf(key.spki),
          timestampMs,
          signature: key.sign(sctSignedInput(timestampMs, entry)),
        }),
      );
    },
  };
}

function bench(over: Partial<IssueCertificatePorts> = {}, identity = ALICE): Bench {
  const events: string[] = [];
  const intents: IssuanceIntent[] = [];
  const denials: string[] = [];
  const { key, certificate } = pki.codeIntermediate;
  const log = over.log ?? promising();
  const story = new IssueCertificate({
    identities: { execute: () => Promise.resolve(identity) },
    authorities: [
      issuingCa(
        {
          key: {
            uri: 'pkcs11:token=t;object=ca',
            token: 'online',
            algorithm: key.algorithm,
            spki: toBase64(key.spki),
          },
          chain: [certificate, pki.codeRoot.certificate].map(({ der }) => toBase64(der)),
          url: 'https://ca.example',
          start: '2026-11-21T10:00:00Z',
        },
        () => {
          const signer = {
            uri: 'pkcs11:token=t;object=ca',
            algorithm: key.algorithm,
            spki: key.spki,
            sign: (message: Uint8Array) => {
              events.push('sign');
              return Promise.resolve(key.sign(message));
            },
          };
          return Promise.resolve({ precertificate: signer, certificate: signer });
        },
      ),
    ],
    logKeys: [parsePublicKey(pki.ctLog.spki)],
    journal: {
      record: (intent) => {
        events.push(intent.decision);
        intents.push(intent);
        return Promise.resolve();
      },
      denied: (_identity, fault) => {
        denials.push(fault.code);
        return Promise.resolve();
      },
    },
    clock: new HeldClock(NOW_MS),
    clockTrust: { check: () => undefined },
    random: (length) => pseudoRandom(`serial ${intents.length}`).subarray(0, length),
    mode: 'evaluation',
    ...over,
    log: {
      promise: (...entry) => {
        events.push('promise');
        return log.promise(...entry);
      },
    },
  });
  return { story, events, intents, denials };
}

interface Pair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

function publicKeyClaim(
  { privateKey, publicKey }: Pair,
  challenge = 'alice@example.org',
  hash: string | null = 'sha256',
): KeyClaim {
  return {
    kind: 'public-key',
    content: fromUtf8(publicKey.export({ format: 'pem', type: 'spki' }).toString()),
    proof: sign(hash, fromUtf8(challenge), privateKey),
  };
}

const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });

function verifiedBySigstore({ chain }: IssuedCertificate): ReturnType<Verifier['verify']> {
  const [leaf, ...authorities] = chain.map((der) => X509Certificate.parse(Buffer.from(der)));
  if (leaf === undefined) throw new Error('no leaf');
  const validFor = { start: new Date(GENESIS_MS), end: new Date(GENESIS_MS * 2) };
  const verifier = new Verifier(
    {
      certificateAuthorities: [{ certChain: authorities, validFor }],
      ctlogs: [
        {
          logID: Buffer.from(logIdOf(pki.ctLog.spki)),
          baseURL: 'https://ct.example',
          publicKey: createPublicKey({ key: Buffer.from(pki.ctLog.spki), format: 'der', type: 'spki' }),
          validFor,
        },
      ],
      tlogs: [],
      timestampAuthorities: [],
      publicKey: () => {
        throw new Error('no plain keys here');
      },
    },
    { tlogThreshold: 0, timestampThreshold: 0, ctlogThreshold: 1 },
  );
  const logged = {
    logId: { keyId: Buffer.alloc(32) },
    integratedTime: String(NOW_MS / 1000 + 60),
    inclusionPromise: {},
  } as never;
  return verifier.verify({
    signature: {
      signature: Buffer.alloc(0),
      compareSignature: () => true,
      compareDigest: () => true,
      compareSignedDigest: () => true,
      verifySignature: () => true,
    },
    key: { $case: 'certificate', certificate: leaf },
    // The instant at which the chain is judged; who vouches for it is not this spec's matter.
    timestamps: [{ $case: 'transparency-log', tlogEntry: logged }],
    tlogEntries: [],
  });
}

describe('issuing a certificate', () => {
  test('gives a chain whose identity and promise @sigstore/verify believes', async () => {
    const issued = await bench().story.execute({ token: 't', key: publicKeyClaim(p256) });
    expect(issued.chain).toHaveLength(3);
    const { identity } = verifiedBySigstore(issued);
    expect(identity?.subjectAlternativeName).toBe('alice@example.org');
    expect(identity?.extensions?.issuer).toBe('https://id.example');
  });

  test('lives ten minutes and has a positive serial number of twenty octets, the one that was recorded', async () => {
    const { story, intents } = bench();
    const { chain } = await story.execute({ token: 't', key: publicKeyClaim(p256) });
    const leaf = parseCertificate(chain[0] ?? new Uint8Array());
    expect(leaf.notAfterMs - leaf.notBeforeMs).toBe(600_000);
    expect(leaf.serialOctets).toHaveLength(20);
    expect(leaf.serial > 0n).toBe(true);
    expect(toHex(intents[0]?.serial ?? new Uint8Array())).toBe(toHex(leaf.serialOctets));
  });

  test('records the intent before the key is used, and promises before it signs the final certificate', async () => {
    const { story, events } = bench();
    await story.execute({ token: 't', key: publicKeyClaim(p256) });
    expect(events).toEqual(['issue', 'sign', 'promise', 'sign']);
  });

  test('records why somebody who is known got nothing', async () => {
    const failing: CertificateLog = { promise: () => Promise.reject(new Error('lost')) };
    const { story, denials } = bench({ log: failing });
    await expect(story.execute({ token: 't', key: publicKeyClaim(p256) })).rejects.toBeInstanceOf(Fault);
    expect(denials).toEqual(['ca/no-promise']);
  });

  test('uses no key when the record cannot be kept', async () => {
    const away = (): Promise<never> =>
      Promise.reject(new Fault('unavailable', 'database/unreachable', 'down'));
    const down = { record: away, denied: away };
    const { story, events } = bench({ journal: down });
    await expect(story.execute({ token: 't', key: publicKeyClaim(p256) })).rejects.toMatchObject({
      code: 'database/unreachable',
    });
    expect(events).toEqual([]);
  });

  test('issues nothing without a promise, nor with one that clients would not believe', async () => {
    const failing: CertificateLog = { promise: () => Promise.reject(new Error('lost')) };
    const foreign = promising(softwarePki().ctLog);
    for (const log of [failing, foreign]) {
      const { story, events } = bench({ log });
      await expect(story.execute({ token: 't', key: publicKeyClaim(p256) })).rejects.toMatchObject({
        code: 'ca/no-promise',
      });
      expect(events).toEqual(['issue', 'sign', 'promise']);
    }
  });

  test('issues nothing while the time is not trusted: notBefore would say when', async () => {
    const doubt = {
      check: () => {
        throw new Fault('unavailable', 'clock/jumped', 'the clock was moved by 5000 ms');
      },
    };
    const { story, events, denials } = bench({ clockTrust: doubt });
    const refused = story.execute({ token: 't', key: publicKeyClaim(p256) });
    await expect(refused).rejects.toMatchObject({ kind: 'unavailable', code: 'ca/time-not-trusted' });
    expect([events, denials]).toEqual([[], ['ca/time-not-trusted']]);
  });

  test('says that it cannot sign while its token is away', async () => {
    const { story } = bench();
    const [ca] = story.authorities;
    if (ca === undefined) throw new Error('no CA');
    const away = {
      ...ca,
      signers: () => Promise.reject(new Fault('unavailable', 'hsm/token-absent', 'away')),
    };
    await expect(
      bench({ authorities: [away] }).story.execute({ token: 't', key: publicKeyClaim(p256) }),
    ).rejects.toMatchObject({ code: 'ca/cannot-sign' });
  });

  test('issues from no CA that would end before its leaf', async () => {
    const { story } = bench({ clock: new HeldClock(pki.codeIntermediate.certificate.notAfterMs - 60_000) });
    await expect(story.execute({ token: 't', key: publicKeyClaim(p256) })).rejects.toMatchObject({
      code: 'ca/none-in-force',
    });
  });

  test('accepts a proof over either name of the token', async () => {
    const { story } = bench();
    await expect(story.execute({ token: 't', key: publicKeyClaim(p256, 'alice') })).resolves.toBeDefined();
    await expect(story.execute({ token: 't', key: publicKeyClaim(p256, 'mallory') })).rejects.toMatchObject({
      code: 'ca/proof-mismatch',
    });
  });

  test.each([
    ['P-384', generateKeyPairSync('ec', { namedCurve: 'P-384' }), 'sha384'],
    ['P-521', generateKeyPairSync('ec', { namedCurve: 'P-521' }), 'sha512'],
    ['RSA 2048', generateKeyPairSync('rsa', { modulusLength: 2048 }), 'sha256'],
    ['RSA 3072', generateKeyPairSync('rsa', { modulusLength: 3072 }), 'sha256'],
    ['Ed25519', generateKeyPairSync('ed25519'), null],
  ])('accepts %s', async (_name, pair, hash) => {
    const issued = await bench().story.execute({ token: 't', key: publicKeyClaim(pair, 'alice', hash) });
    expect(verifiedBySigstore(issued).identity).toBeDefined();
  });

  test.each([
    ['RSA of 1024 bits', generateKeyPairSync('rsa', { modulusLength: 1024 }), 'ca/key-insecure'],
    ['RSA of 2056 bits', generateKeyPairSync('rsa', { modulusLength: 2056 }), 'ca/key-insecure'],
    [
      'RSA with exponent 3',
      generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 }),
      'ca/key-insecure',
    ],
    ['secp256k1', generateKeyPairSync('ec', { namedCurve: 'secp256k1' }), 'ca/key-insecure'],
  ])('refuses %s', async (_name, pair, code) => {
    const { story, events } = bench();
    await expect(story.execute({ token: 't', key: publicKeyClaim(pair) })).rejects.toMatchObject({ code });
    expect(events).toEqual([]);
  });

  test('reads PKCS#1, one long line of base64, and DER', async () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const proof = sign('sha256', fromUtf8('alice'), rsa.privateKey);
    const pkcs1 = fromUtf8(rsa.publicKey.export({ format: 'pem', type: 'pkcs1' }).toString());
    const der = new Uint8Array(rsa.publicKey.export({ format: 'der', type: 'spki' }));
    const oneLine = fromUtf8(`-----BEGIN PUBLIC KEY-----\n${toBase64(der)}\n-----END PUBLIC KEY-----`);
    for (const content of [pkcs1, der, oneLine]) {
      await expect(
        bench().story.execute({ token: 't', key: { kind: 'public-key', content, proof } }),
      ).resolves.toBeDefined();
    }
  });

  test('refuses what is no public key', async () => {
    const secret = fromUtf8(p256.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString());
    const trailing = concat(p256.publicKey.export({ format: 'der', type: 'spki' }), Uint8Array.of(0));
    for (const content of [fromUtf8(''), fromUtf8('nonsense'), secret, trailing]) {
      const key: KeyClaim = { kind: 'public-key', content, proof: new Uint8Array() };
      await expect(bench().story.execute({ token: 't', key })).rejects.toMatchObject({
        code: 'ca/key-malformed',
      });
    }
  });

  async function request(hash: 'SHA-256' | 'SHA-512'): Promise<Uint8Array> {
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
    const keys = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as never;
    const csr = await Pkcs10CertificateRequestGenerator.create({
      name: 'CN=ignored',
      keys,
      signingAlgorithm: { ...algorithm, hash } as never,
    });
    return new Uint8Array(csr.rawData);
  }

  test('takes a self-signed request for proof, under either label, and ignores its subject', async () => {
    const der = await request('SHA-256');
    for (const label of ['CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST']) {
      const issued = await bench().story.execute({
        token: 't',
        key: { kind: 'csr', content: fromUtf8(formatPem(label, der)) },
      });
      expect(verifiedBySigstore(issued).identity?.subjectAlternativeName).toBe('alice@example.org');
    }
  });

  test('refuses a request whose signature is wrong, or whose hash does not belong to its key', async () => {
    const der = await request('SHA-256');
    der[der.length - 1] = (der.at(-1) ?? 0) ^ 1;
    const cases = [
      [der, 'ca/proof-mismatch'],
      [await request('SHA-512'), 'ca/algorithm-not-permitted'],
    ] as const;
    for (const [bytes, code] of cases) {
      const content = fromUtf8(formatPem('CERTIFICATE REQUEST', bytes));
      await expect(
        bench().story.execute({ token: 't', key: { kind: 'csr', content } }),
      ).rejects.toMatchObject({ code });
    }
  });

  test('refuses what is no certificate signing request', async () => {
    for (const content of [
      fromUtf8('x'),
      fromUtf8(formatPem('CERTIFICATE REQUEST', Uint8Array.of(0x30, 0))),
    ]) {
      await expect(
        bench().story.execute({ token: 't', key: { kind: 'csr', content } }),
      ).rejects.toMatchObject({
        code: 'ca/csr-malformed',
      });
    }
  });
});
