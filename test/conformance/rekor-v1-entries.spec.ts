/**
 * Entries of Rekor v1: what rekor v1.5.4 itself made of the same requests, and entries that stand in public
 * logs.
 */
import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { publicKeyFromPem, sha256 } from '#core/crypto';
import { canonicaliseV1, readV1Entry } from '#core/entry';
import { isFault } from '#core/fault';
import { parseJson } from '#core/json';
import { leafHash, verifyInclusion } from '#core/merkle';
import { logVerifierV1, parseCheckpoint, parseNote, verifyNote } from '#core/note';

interface Golden {
  readonly name: string;
  readonly proposed: unknown;
  readonly error?: string;
  readonly canonical?: string;
  readonly keys?: readonly string[];
}

interface Logged {
  readonly name: string;
  readonly entry: {
    readonly canonicalizedBody: string;
    readonly kindVersion: { readonly kind: string; readonly version: string };
    readonly inclusionProof?: {
      readonly logIndex: string;
      readonly treeSize: string;
      readonly rootHash: string;
      readonly hashes: readonly string[];
      readonly checkpoint?: { readonly envelope: string };
    };
  };
  readonly certificate?: string;
  readonly publicKeyPem?: string;
  readonly messageSignature?: {
    readonly messageDigest: { readonly digest: string };
    readonly signature: string;
  };
  readonly dsseEnvelope?: {
    readonly payload: string;
    readonly payloadType: string;
    readonly signatures: readonly { readonly sig: string; readonly keyid?: string }[];
  };
  readonly logs: readonly { readonly baseUrl: string; readonly spki: string }[];
}

function load<T>(file: string): T {
  return JSON.parse(readFileSync(new URL(`../vectors/${file}`, import.meta.url), 'utf8')) as T;
}

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const octets = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, 'base64'));
const pem = (label: string, der: string): string =>
  `-----BEGIN ${label}-----\n${(der.match(/.{1,64}/g) ?? []).join('\n')}\n-----END ${label}-----\n`;

/** Where we say no and Rekor says yes. */
const STRICTER = ['digest in upper case'];

describe('what rekor v1.5.4 accepts is accepted with the same leaf, and found under the same keys', () => {
  const accepted = load<Golden[]>('sigstore-rekor/cases.json').filter(
    (one) => one.error === undefined && !STRICTER.includes(one.name),
  );
  test.each(accepted.map((one) => [one.name, one] as const))('%s', (_name, golden) => {
    const entry = readV1Entry(encode(golden.proposed));
    entry.verify();
    expect(text(entry.canonical)).toBe(golden.canonical);
    expect(entry.searchKeys).toEqual(
      expect.arrayContaining((golden.keys ?? []).map((key) => key.toLowerCase())),
    );
    // Both what was proposed and what stands in the log lead to the leaf.
    expect(text(canonicaliseV1(parseJson(encode(golden.proposed))))).toBe(golden.canonical);
    if (entry.kind !== 'intoto' || entry.version === '0.0.1') {
      expect(text(canonicaliseV1(parseJson(entry.canonical)))).toBe(golden.canonical);
    }
  });
});

describe('what rekor v1.5.4 refuses is refused', () => {
  const refused = load<Golden[]>('sigstore-rekor/cases.json').filter(
    (one) => one.error !== undefined || STRICTER.includes(one.name),
  );
  test.each(refused.map((one) => [one.name, one] as const))('%s', (_name, golden) => {
    expect.assertions(1);
    try {
      readV1Entry(encode(golden.proposed)).verify();
    } catch (error) {
      expect(isFault(error)).toBe(true);
    }
  });
});

const logged = [
  ...load<Logged[]>('sigstore-conformance/entries.json'),
  ...load<Logged[]>('sigstore-go/entries.json'),
];
const v1 = logged.filter(
  (one) => one.entry.kindVersion.version === '0.0.1' || one.entry.kindVersion.kind === 'intoto',
);
const genuine = v1.filter((one) => !one.name.endsWith('_fail'));

describe('entries of public logs', () => {
  test.each(genuine.map((one) => [one.name, one] as const))('%s is already canonical', (_name, { entry }) => {
    const body = octets(entry.canonicalizedBody);
    expect(text(canonicaliseV1(parseJson(body)))).toBe(text(body));
  });

  const hashed = genuine.filter((one) => one.messageSignature !== undefined);
  test.each(hashed.map((one) => [one.name, one] as const))(
    '%s would be logged again as it is',
    (_name, one) => {
      const { messageDigest, signature } = one.messageSignature ?? {
        messageDigest: { digest: '' },
        signature: '',
      };
      const key = one.publicKeyPem ?? pem('CERTIFICATE', one.certificate ?? '');
      const entry = readV1Entry(
        encode({
          kind: 'hashedrekord',
          apiVersion: '0.0.1',
          spec: {
            data: {
              hash: {
                algorithm: 'sha256',
                value: Buffer.from(messageDigest.digest, 'base64').toString('hex'),
              },
            },
            signature: { content: signature, publicKey: { content: Buffer.from(key).toString('base64') } },
          },
        }),
      );
      entry.verify();
      expect(text(entry.canonical)).toBe(text(octets(one.entry.canonicalizedBody)));
    },
  );

  const attested = genuine.filter((one) => one.entry.kindVersion.kind === 'dsse');
  test.each(attested.map((one) => [one.name, one] as const))(
    '%s would be logged again but for its envelope',
    (_name, one) => {
      const entry = readV1Entry(
        encode({
          kind: 'dsse',
          apiVersion: '0.0.1',
          spec: {
            proposedContent: {
              envelope: JSON.stringify(one.dsseEnvelope),
              verifiers: [Buffer.from(pem('CERTIFICATE', one.certificate ?? '')).toString('base64')],
            },
          },
        }),
      );
      entry.verify();
      // Only the client knows how it spelled the envelope.
      const withoutEnvelopeHash = (body: Uint8Array): string =>
        text(body).replace(/"envelopeHash":\{[^}]*\}/, '');
      expect(withoutEnvelopeHash(entry.canonical)).toBe(
        withoutEnvelopeHash(octets(one.entry.canonicalizedBody)),
      );
    },
  );

  const intoto = genuine.filter((one) => one.entry.kindVersion.kind === 'intoto');
  test.each(intoto.map((one) => [one.name, one] as const))(
    '%s would be logged again as it is',
    (_name, one) => {
      const body = JSON.parse(text(octets(one.entry.canonicalizedBody))) as {
        spec: { content: { envelope: Record<string, unknown> } };
      };
      body.spec.content.envelope['payload'] = Buffer.from(one.dsseEnvelope?.payload ?? '').toString('base64');
      const entry = readV1Entry(encode(body));
      expect(text(entry.canonical)).toBe(text(octets(one.entry.canonicalizedBody)));
      entry.verify();
      expect(entry.attestation?.key).toBe(
        `sha256:${Buffer.from(sha256(octets(one.dsseEnvelope?.payload ?? ''))).toString('hex')}`,
      );
    },
  );

  const proven = v1.filter(
    (one) => one.entry.inclusionProof?.checkpoint?.envelope !== undefined && one.logs.length > 0,
  );
  test.each(proven.map((one) => [one.name, one] as const))(
    '%s: proof and checkpoint hold if they should',
    (_name, one) => {
      const proof = one.entry.inclusionProof;
      const [log] = one.logs;
      if (proof === undefined || log === undefined) throw new Error('no proof in the vector');
      const check = (): void => {
        const note = parseNote(proof.checkpoint?.envelope ?? '');
        const key = publicKeyFromPem(pem('PUBLIC KEY', log.spki));
        verifyNote(note, [logVerifierV1(new URL(log.baseUrl).hostname, key)]);
        const head = parseCheckpoint(note.text);
        const hashes = proof.hashes.map(octets);
        verifyInclusion(leafHash(octets(one.entry.canonicalizedBody)), BigInt(proof.logIndex), hashes, head);
      };
      if (one.name.endsWith('_fail') && !one.name.startsWith('dsse-')) expect(check).toThrow();
      else check();
    },
  );
});
