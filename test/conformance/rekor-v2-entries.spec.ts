/**
 * Entries of Rekor v2: what rekor-tiles v2.3.0 itself made of the same requests, and entries that stand in
 * the staging log, with the checkpoints that clients must accept or refuse.
 */
import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { publicKeyFromPem } from '#core/crypto';
import { readV2Entry } from '#core/entry';
import { isFault } from '#core/fault';
import { leafHash, verifyInclusion } from '#core/merkle';
import { keyHint, logVerifier, parseCheckpoint, parseNote, v2LogId, verifyNote } from '#core/note';

interface Golden {
  readonly name: string;
  readonly request: string;
  readonly error?: string;
  readonly canonical?: string;
}

interface Logged {
  readonly name: string;
  readonly entry: {
    readonly canonicalizedBody: string;
    readonly kindVersion: { readonly kind: string; readonly version: string };
    readonly logId: { readonly keyId: string };
    readonly inclusionProof: {
      readonly logIndex: string;
      readonly hashes: readonly string[];
      readonly checkpoint: { readonly envelope: string };
    };
  };
  readonly certificate?: string;
  readonly messageSignature?: {
    readonly messageDigest: { readonly digest: string };
    readonly signature: string;
  };
  readonly dsseEnvelope?: unknown;
  readonly logs: readonly { readonly baseUrl: string; readonly logId: string; readonly spki: string }[];
}

function load<T>(file: string): T {
  return JSON.parse(readFileSync(new URL(`../vectors/${file}`, import.meta.url), 'utf8')) as T;
}

const encode = (value: string): Uint8Array => new TextEncoder().encode(value);
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const octets = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, 'base64'));
const golden = load<Golden[]>('sigstore-rekor-tiles/cases.json');

describe('what rekor-tiles v2.3.0 accepts is accepted with the same leaf', () => {
  const accepted = golden.filter((one) => one.error === undefined);
  test.each(accepted.map((one) => [one.name, one] as const))('%s', (_name, one) => {
    const entry = readV2Entry(encode(one.request));
    entry.verify();
    expect(text(entry.canonical)).toBe(one.canonical);
    expect([entry.kind, entry.version]).toEqual(['hashedrekord', '0.0.2']);
  });
});

describe('what rekor-tiles v2.3.0 refuses is refused', () => {
  const refused = golden.filter((one) => one.error !== undefined);
  test.each(refused.map((one) => [one.name, one] as const))('%s', (_name, one) => {
    expect.assertions(1);
    try {
      readV2Entry(encode(one.request)).verify();
    } catch (error) {
      expect(isFault(error)).toBe(true);
    }
  });
});

const logged = load<Logged[]>('sigstore-conformance/entries.json').filter(
  (one) => one.entry.kindVersion.version === '0.0.2' && one.entry.kindVersion.kind === 'hashedrekord',
);

describe('entries of the staging log', () => {
  const messages = logged.filter((one) => one.messageSignature !== undefined);
  test.each(messages.map((one) => [one.name, one] as const))(
    '%s would be logged again as it is',
    (_name, one) => {
      const request = {
        hashedRekordRequestV002: {
          digest: one.messageSignature?.messageDigest.digest,
          signature: {
            content: one.messageSignature?.signature,
            verifier: {
              x509Certificate: { rawBytes: one.certificate },
              keyDetails: 'PKIX_ECDSA_P256_SHA_256',
            },
          },
        },
      };
      const entry = readV2Entry(encode(JSON.stringify(request)));
      entry.verify();
      expect(text(entry.canonical)).toBe(text(octets(one.entry.canonicalizedBody)));
    },
  );

  const envelopes = logged.filter((one) => one.dsseEnvelope !== undefined);
  test.each(envelopes.map((one) => [one.name, one] as const))(
    '%s, sent as an envelope, becomes the entry of its PAE',
    (_name, one) => {
      const request = {
        dsseRequestV002: {
          envelope: one.dsseEnvelope,
          verifiers: [
            { x509Certificate: { rawBytes: one.certificate }, keyDetails: 'PKIX_ECDSA_P256_SHA_256' },
          ],
        },
      };
      const entry = readV2Entry(encode(JSON.stringify(request)));
      entry.verify();
      expect(text(entry.canonical)).toBe(text(octets(one.entry.canonicalizedBody)));
      expect(entry.statement?.payloadType).toBe('application/vnd.in-toto+json');
    },
  );
});

describe('checkpoints', () => {
  test.each(logged.map((one) => [one.name, one] as const))(
    '%s: proof and checkpoint hold if they should',
    (_name, one) => {
      const [log] = one.logs;
      if (log === undefined) throw new Error('no log in the vector');
      const base64 = (log.spki.match(/.{1,64}/g) ?? []).join('\n');
      const key = publicKeyFromPem(`-----BEGIN PUBLIC KEY-----\n${base64}\n-----END PUBLIC KEY-----\n`);
      const name = new URL(log.baseUrl).hostname;
      const { logIndex, hashes, checkpoint } = one.entry.inclusionProof;
      const check = (): void => {
        const note = parseNote(checkpoint.envelope);
        verifyNote(note, [logVerifier(name, key)]);
        const head = parseCheckpoint(note.text);
        const leaf = leafHash(octets(one.entry.canonicalizedBody));
        verifyInclusion(leaf, BigInt(logIndex), hashes.map(octets), head);
      };
      if (one.name.endsWith('_fail')) expect(check).toThrow();
      else {
        check();
        expect(Buffer.from(v2LogId(name, key)).toString('base64')).toBe(log.logId);
        expect(keyHint(v2LogId(name, key))).toHaveLength(4);
      }
    },
  );
});
