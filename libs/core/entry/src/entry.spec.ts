/**
 * Every kind of both faces: what it becomes, what it is found by, and what is refused.
 *
 * Long because one table of refusals is asked of all kinds, so that none is forgotten when a kind is added.
 */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { isFault } from '#core/fault';
import { parseJson } from '#core/json';
import {
  canonicaliseV1,
  MAX_V2_ENTRY_BYTES,
  pae,
  readPemVerifier,
  readV1Entry,
  readV2Entry,
} from './index.js';

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const base64 = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString('base64');
const hex = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

interface Signer {
  readonly privateKey: KeyObject;
  readonly pem: string;
  readonly spki: Uint8Array;
}
function signer(namedCurve = 'P-256'): Signer {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
  return {
    privateKey,
    pem: publicKey.export({ format: 'pem', type: 'spki' }).toString(),
    spki: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' })),
  };
}
const alice = signer();
const bob = signer();
const artifact = Buffer.from('an artifact');
const statement = JSON.stringify({
  _type: 'https://in-toto.io/Statement/v1',
  subject: [{ name: 'a', digest: { sha256: 'AB12' } }, { name: 'no digest' }, 'no object'],
  predicate: { materials: [{ uri: 'm', digest: { sha1: 'cd', odd: 7 } }] },
});
const IN_TOTO = 'application/vnd.in-toto+json';

const signPae = (who: Signer, payload: string, hash = 'sha256'): Uint8Array =>
  sign(hash, pae(IN_TOTO, Buffer.from(payload)), who.privateKey);

function hashedRekord(): Record<string, unknown> {
  return {
    kind: 'hashedrekord',
    apiVersion: '0.0.1',
    spec: {
      data: { hash: { algorithm: 'sha256', value: hex(artifact) } },
      signature: {
        content: base64(sign('sha256', artifact, alice.privateKey)),
        publicKey: { content: base64(alice.pem) },
      },
    },
  };
}

function envelope(signatures: readonly Uint8Array[], payload = statement): Record<string, unknown> {
  return {
    payloadType: IN_TOTO,
    payload: base64(payload),
    signatures: signatures.map((sig) => ({ sig: base64(sig) })),
  };
}

function dsse(sent: string, verifiers: readonly string[]): Record<string, unknown> {
  return {
    kind: 'dsse',
    apiVersion: '0.0.1',
    spec: { proposedContent: { envelope: sent, verifiers: verifiers.map(base64) } },
  };
}

function v2Verifier(who: Signer, keyDetails = 'PKIX_ECDSA_P256_SHA_256'): Record<string, unknown> {
  return { publicKey: { rawBytes: base64(who.spki) }, keyDetails };
}

function v2HashedRekord(): Record<string, unknown> {
  return {
    hashedRekordRequestV002: {
      digest: createHash('sha256').update(artifact).digest('base64'),
      signature: { content: base64(sign('sha256', artifact, alice.privateKey)), verifier: v2Verifier(alice) },
    },
  };
}

const fails = (code: string): unknown => expect.objectContaining({ code });

test('PAE counts octets, not characters', () => {
  expect(text(pae('http://example.com/HelloWorld', Buffer.from('hello world')))).toBe(
    'DSSEv1 29 http://example.com/HelloWorld 11 hello world',
  );
  expect(text(pae('é', Buffer.from('€')))).toBe('DSSEv1 2 é 3 €');
});

describe('hashedrekord 0.0.1', () => {
  test('is found under its key and its digest', () => {
    expect(readV1Entry(encode(hashedRekord())).searchKeys).toEqual([
      hex(alice.pem),
      `sha256:${hex(artifact)}`,
    ]);
  });

  test('is read without judging, and judged by verify', () => {
    const entry = hashedRekord();
    (entry['spec'] as { signature: { publicKey: { content: string } } }).signature.publicKey.content = base64(
      bob.pem,
    );
    const read = readV1Entry(encode(entry));
    expect(() => read.verify()).toThrow(fails('entry/signature'));
  });

  test('wants the hash that belongs to the key', () => {
    const entry = hashedRekord();
    const spec = entry['spec'] as { data: { hash: unknown } };
    spec.data.hash = { algorithm: 'sha512', value: createHash('sha512').update(artifact).digest('hex') };
    expect(() => readV1Entry(encode(entry))).toThrow(fails('entry/algorithm'));
  });

  test('refuses a private key where a public one belongs', () => {
    const pem = alice.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
    expect(() => readPemVerifier(Buffer.from(pem))).toThrow(fails('entry/verifier'));
  });
});

describe('dsse 0.0.1', () => {
  const sent = JSON.stringify(envelope([signPae(alice, statement)]), null, 2);

  test('hashes the envelope exactly as it was sent', () => {
    const entry = readV1Entry(encode(dsse(sent, [alice.pem])));
    entry.verify();
    const body = JSON.parse(text(entry.canonical)) as { spec: { envelopeHash: { value: string } } };
    expect(body.spec.envelopeHash.value).toBe(hex(sent));
    expect(entry.statement).toEqual({
      payloadType: IN_TOTO,
      payload: new Uint8Array(Buffer.from(statement)),
      envelope: new Uint8Array(Buffer.from(sent)),
      pae: createHash('sha256')
        .update(pae(IN_TOTO, Buffer.from(statement)))
        .digest(),
    });
  });

  test('is found under its key, its hashes, and the digests that the statement names', () => {
    expect(readV1Entry(encode(dsse(sent, [alice.pem]))).searchKeys).toEqual([
      `sha256:${hex(alice.pem)}`,
      hex(alice.pem),
      `sha256:${hex(statement)}`,
      `sha256:${hex(sent)}`,
      'sha256:ab12',
      'sha1:cd',
    ]);
  });

  test('puts each signature beside the key that made it, whatever the order', () => {
    const two = JSON.stringify(envelope([signPae(alice, statement), signPae(bob, statement)]));
    const entries = [
      [alice.pem, bob.pem],
      [bob.pem, alice.pem],
    ].map((verifiers) => readV1Entry(encode(dsse(two, verifiers))));
    const [first, second] = entries.map((entry) => text(entry.canonical));
    expect(first).toBe(second);
    entries.forEach((entry) => entry.verify());
    const body = JSON.parse(first ?? '') as { spec: { signatures: { signature: string }[] } };
    const signatures = body.spec.signatures.map((one) => one.signature);
    expect(signatures).toEqual([...signatures].sort());
  });

  test('refuses a signature that no verifier made', () => {
    const two = JSON.stringify(envelope([signPae(alice, statement), signPae(bob, statement)]));
    expect(() => readV1Entry(encode(dsse(two, [alice.pem])))).toThrow(fails('entry/signature'));
    expect(() => readV1Entry(encode(dsse(sent, [bob.pem]))).verify()).toThrow(fails('entry/signature'));
  });

  test('refuses eleven signatures, eleven verifiers, and what only the log may say', () => {
    const eleven = JSON.stringify(envelope(Array.from({ length: 11 }, () => signPae(alice, statement))));
    expect(() => readV1Entry(encode(dsse(eleven, [alice.pem])))).toThrow(fails('entry/malformed'));
    expect(() =>
      readV1Entry(
        encode(
          dsse(
            sent,
            Array.from({ length: 11 }, () => alice.pem),
          ),
        ),
      ),
    ).toThrow(fails('entry/malformed'));
    const both = dsse(sent, [alice.pem]);
    (both['spec'] as Record<string, unknown>)['payloadHash'] = { algorithm: 'sha256', value: hex('') };
    expect(() => readV1Entry(encode(both))).toThrow(fails('entry/malformed'));
  });

  test('refuses a statement with more digests than a search can promise to find', () => {
    const digest = Object.fromEntries(Array.from({ length: 10_001 }, (_, at) => [`a${at}`, 'b']));
    const many = JSON.stringify({ subject: [{ digest }] });
    const long = JSON.stringify(envelope([signPae(alice, many)], many));
    expect(() => readV1Entry(encode(dsse(long, [alice.pem])))).toThrow(fails('entry/too-many-keys'));
  });
});

describe('intoto', () => {
  const signature = signPae(alice, statement);

  test('0.0.2 decodes payload and signature twice, and keeps the attestation', () => {
    const entry = readV1Entry(
      encode({
        kind: 'intoto',
        apiVersion: '0.0.2',
        spec: {
          content: {
            envelope: {
              payloadType: IN_TOTO,
              payload: base64(base64(statement)),
              signatures: [{ sig: base64(base64(signature)), publicKey: base64(alice.pem) }],
            },
            hash: { algorithm: 'sha256', value: hex('anything') },
          },
        },
      }),
    );
    entry.verify();
    expect(entry.attestation?.key).toBe(`sha256:${hex(statement)}`);
    expect(text(entry.attestation?.data ?? new Uint8Array())).toBe(statement);
    expect(text(entry.canonical)).not.toContain('"payload":');
  });

  test('0.0.1 and dsse 0.0.1 of one envelope both canonicalise, as cosign 2.x looks them up', () => {
    const sent = JSON.stringify(envelope([signature]));
    const intoto = {
      kind: 'intoto',
      apiVersion: '0.0.1',
      spec: { content: { envelope: sent }, publicKey: base64(alice.pem) },
    };
    for (const one of [intoto, dsse(sent, [alice.pem])]) {
      const canonical = canonicaliseV1(parseJson(encode(one)));
      expect(text(canonical)).toBe(text(readV1Entry(encode(one)).canonical));
      expect(text(canonicaliseV1(parseJson(canonical)))).toBe(text(canonical));
    }
  });

  test('an attestation of more than 100 KiB is logged and not kept', () => {
    const large = JSON.stringify({ subject: [], more: 'x'.repeat(100 * 1024) });
    const sent = JSON.stringify(envelope([signPae(alice, large)], large));
    const entry = readV1Entry(
      encode({
        kind: 'intoto',
        apiVersion: '0.0.1',
        spec: { content: { envelope: sent }, publicKey: base64(alice.pem) },
      }),
    );
    entry.verify();
    expect(entry.attestation).toBeUndefined();
  });
});

test.each([
  ['an array', []],
  ['no kind', { apiVersion: '0.0.1', spec: {} }],
  ['a number for a version', { kind: 'dsse', apiVersion: 1, spec: {} }],
  ['no spec', { kind: 'dsse', apiVersion: '0.0.1' }],
])('v1 refuses %s', (_what, body) => {
  expect(() => readV1Entry(encode(body))).toThrow(fails('entry/malformed'));
});

test.each([
  ['rekord', "entry kind 'rekord' is not enabled for submission on this server"],
  ['nonsense', 'invalid kind value: "nonsense"'],
])('v1 refuses the kind %s in words', (kind, message) => {
  expect(() => readV1Entry(encode({ kind, apiVersion: '0.0.1', spec: {} }))).toThrow(
    expect.objectContaining({ code: 'entry/kind', message }),
  );
});

describe('v2', () => {
  test('says only what upstream says, and keeps the reason apart', () => {
    const request = v2HashedRekord();
    (request['hashedRekordRequestV002'] as Record<string, unknown>)['digest'] = 'AAAA';
    expect(() => readV2Entry(encode(request))).toThrow(
      expect.objectContaining({
        message: 'invalid hashedrekord request',
        code: 'entry/malformed',
        detail: { reason: 'digest length (3) does not match expected size (32) for sha256' },
      }),
    );
    for (const body of [{}, { hashedRekordRequestV002: null }]) {
      expect(() => readV2Entry(encode(body))).toThrow(
        expect.objectContaining({ message: 'invalid type, must be hashedrekord', code: 'entry/kind' }),
      );
    }
  });

  test('refuses an entry that no bundle can carry before anything is verified', () => {
    const request = v2HashedRekord();
    const { signature } = request['hashedRekordRequestV002'] as { signature: { content: string } };
    const room = MAX_V2_ENTRY_BYTES - readV2Entry(encode(request)).canonical.length;
    signature.content = base64(new Uint8Array(Math.floor((room / 4) * 3)));
    expect(readV2Entry(encode(request)).canonical.length).toBeLessThanOrEqual(MAX_V2_ENTRY_BYTES);
    signature.content = base64(new Uint8Array(Math.floor((room / 4) * 3) + 200));
    expect(() => readV2Entry(encode(request))).toThrow(
      expect.objectContaining({ code: 'entry/too-large', kind: 'malformed' }),
    );
  });

  test('wants keyDetails to be the default of the key', () => {
    const request = v2HashedRekord();
    const { signature } = request['hashedRekordRequestV002'] as { signature: { verifier: unknown } };
    const p384 = signer('P-384');
    signature.verifier = v2Verifier(p384);
    expect(() => readV2Entry(encode(request))).toThrow(fails('entry/algorithm'));
    signature.verifier = v2Verifier(alice, 'PKIX_ECDSA_P384_SHA_384');
    expect(() => readV2Entry(encode(request))).toThrow(fails('entry/algorithm'));
  });

  test.each([
    ['P-256', 'PKIX_ECDSA_P256_SHA_256', 'sha256'],
    ['P-384', 'PKIX_ECDSA_P384_SHA_384', 'sha384'],
    ['P-521', 'PKIX_ECDSA_P521_SHA_512', 'sha512'],
  ])('logs an envelope signed with %s over the hash of its PAE', (curve, keyDetails, hash) => {
    const who = signer(curve);
    const entry = readV2Entry(
      encode({
        dsseRequestV002: {
          envelope: envelope([signPae(who, statement, hash)]),
          verifiers: [v2Verifier(who, keyDetails)],
        },
      }),
    );
    entry.verify();
    const body = JSON.parse(text(entry.canonical)) as {
      kind: string;
      spec: { hashedRekordV002: { data: { digest: string } } };
    };
    expect(body.kind).toBe('hashedrekord');
    expect(body.spec.hashedRekordV002.data.digest).toBe(
      createHash(hash)
        .update(pae(IN_TOTO, Buffer.from(statement)))
        .digest('base64'),
    );
    expect(entry.searchKeys).toEqual(
      expect.arrayContaining(['sha256:ab12', `sha256:${hex(statement)}`, hex(who.pem)]),
    );
  });

  test('refuses an envelope with two signatures, and one with two verifiers', () => {
    const one = signPae(alice, statement);
    for (const [signatures, verifiers] of [
      [[one, signPae(bob, statement)], [v2Verifier(alice)]],
      [[one], [v2Verifier(alice), v2Verifier(bob)]],
    ] as const) {
      expect(() =>
        readV2Entry(encode({ dsseRequestV002: { envelope: envelope(signatures), verifiers } })),
      ).toThrow(
        expect.objectContaining({ code: 'entry/multiple-signatures', message: 'invalid dsse request' }),
      );
    }
  });
});

describe('whatever strangers send, only faults escape', () => {
  const anything = fc.jsonValue({ maxDepth: 3 });
  /** Puts `value` at one of the places in `tree`, or takes that place away. */
  function mutate(tree: unknown, at: number, value: unknown): unknown {
    let left = at;
    const walk = (node: unknown): unknown => {
      if (left-- === 0) return value;
      if (Array.isArray(node)) return node.map(walk);
      if (typeof node === 'object' && node !== null) {
        return Object.fromEntries(Object.entries(node).map(([name, member]) => [name, walk(member)]));
      }
      return node;
    };
    return walk(tree);
  }
  const onlyFaults = (work: () => unknown): void => {
    try {
      work();
    } catch (error) {
      if (!isFault(error)) throw error;
    }
  };
  const sent = JSON.stringify(envelope([signPae(alice, statement)]));
  const v1 = [
    hashedRekord(),
    dsse(sent, [alice.pem]),
    JSON.parse(text(readV1Entry(encode(dsse(sent, [alice.pem]))).canonical)) as unknown,
    {
      kind: 'intoto',
      apiVersion: '0.0.1',
      spec: { content: { envelope: sent }, publicKey: base64(alice.pem) },
    },
    {
      kind: 'intoto',
      apiVersion: '0.0.2',
      spec: {
        content: {
          envelope: {
            payloadType: IN_TOTO,
            payload: base64(base64(statement)),
            signatures: [{ sig: base64(base64('sig')), publicKey: base64(alice.pem), keyid: 'k' }],
          },
          hash: { algorithm: 'sha256', value: hex('') },
          payloadHash: { algorithm: 'sha256', value: hex('') },
        },
      },
    },
  ];
  const v2 = [
    v2HashedRekord(),
    { dsseRequestV002: { envelope: envelope([signPae(alice, statement)]), verifiers: [v2Verifier(alice)] } },
  ];

  test('v1', () => {
    fc.assert(
      fc.property(fc.constantFrom(...v1), fc.nat({ max: 20 }), anything, (tree, at, value) => {
        const changed = encode(mutate(tree, at, value));
        onlyFaults(() => readV1Entry(changed).verify());
        onlyFaults(() => canonicaliseV1(parseJson(changed)));
      }),
      { numRuns: 1500 },
    );
  });

  test('v2', () => {
    fc.assert(
      fc.property(fc.constantFrom(...v2), fc.nat({ max: 14 }), anything, (tree, at, value) => {
        onlyFaults(() => readV2Entry(encode(mutate(tree, at, value))).verify());
      }),
      { numRuns: 1500 },
    );
  });

  test('octets that pretend to be certificates and keys', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.nat(alice.spki.length),
        fc.nat(255),
        (noise, at, octet) => {
          const changed = Uint8Array.from(alice.spki);
          changed[at % changed.length] = octet;
          for (const der of [noise, changed]) {
            for (const label of ['CERTIFICATE', 'PUBLIC KEY']) {
              onlyFaults(() =>
                readPemVerifier(
                  Buffer.from(`-----BEGIN ${label}-----\n${base64(der)}\n-----END ${label}-----\n`),
                ),
              );
            }
          }
        },
      ),
    );
  });

  test('verdicts do not depend on chance: what verifies keeps its leaf', () => {
    for (const tree of [v1[0], v1[1], v1[3]]) {
      const [first, second] = [readV1Entry(encode(tree)), readV1Entry(encode(tree))];
      first.verify();
      expect(text(first.canonical)).toBe(text(second.canonical));
      expect(first.searchKeys).toEqual(second.searchKeys);
    }
  });
});
