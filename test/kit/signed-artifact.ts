import { generateKeyPairSync, sign } from 'node:crypto';
import { sha256 } from '#core/crypto';
import { pae } from '#core/entry';
import { fromUtf8, toBase64, toHex } from '#core/octets';

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
const pemText = toBase64(fromUtf8(pem));

function signature(message: Uint8Array): string {
  return toBase64(new Uint8Array(sign('sha256', message, privateKey)));
}

/** The key in the requests below, as `publicKey.content`. */
export const signerPem = pemText;

/** A fresh signature each time, hence a fresh entry. */
export function hashedRekordV1(artifact: string) {
  return {
    apiVersion: '0.0.1',
    kind: 'hashedrekord',
    spec: {
      data: { hash: { algorithm: 'sha256', value: toHex(sha256(fromUtf8(artifact))) } },
      signature: { content: signature(fromUtf8(artifact)), publicKey: { content: pemText } },
    },
  };
}

const PAYLOAD_TYPE = 'application/vnd.in-toto+json';

function statement(subject: string): Uint8Array {
  return fromUtf8(
    JSON.stringify({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name: subject, digest: { sha256: toHex(sha256(fromUtf8(subject))) } }],
      predicateType: 'https://example.com/p',
      predicate: {},
    }),
  );
}

export function dsseV1(subject: string) {
  const payload = statement(subject);
  const envelope = {
    payload: toBase64(payload),
    payloadType: PAYLOAD_TYPE,
    signatures: [{ sig: signature(pae(PAYLOAD_TYPE, payload)) }],
  };
  return {
    apiVersion: '0.0.1',
    kind: 'dsse',
    spec: { proposedContent: { envelope: JSON.stringify(envelope), verifiers: [pemText] } },
  };
}

/** intoto 0.0.2 with its double base64; keeps the payload as attestation. */
export function intotoV1(subject: string) {
  const payload = statement(subject);
  const twice = (text: string): string => toBase64(fromUtf8(text));
  const sig = signature(pae(PAYLOAD_TYPE, payload));
  const envelope = {
    payload: twice(toBase64(payload)),
    payloadType: PAYLOAD_TYPE,
    signatures: [{ sig: twice(sig), publicKey: pemText }],
  };
  const single = {
    payload: toBase64(payload),
    payloadType: PAYLOAD_TYPE,
    signatures: [{ sig, publicKey: pem }],
  };
  return {
    payload,
    entry: {
      apiVersion: '0.0.2',
      kind: 'intoto',
      spec: {
        content: {
          envelope,
          hash: { algorithm: 'sha256', value: toHex(sha256(fromUtf8(JSON.stringify(single)))) },
          payloadHash: { algorithm: 'sha256', value: toHex(sha256(payload)) },
        },
      },
    },
  };
}

const verifier = { publicKey: { rawBytes: toBase64(spki) }, keyDetails: 'PKIX_ECDSA_P256_SHA_256' };

export function hashedRekordV2(artifact: string) {
  return {
    hashedRekordRequestV002: {
      digest: toBase64(sha256(fromUtf8(artifact))),
      signature: { content: signature(fromUtf8(artifact)), verifier },
    },
  };
}

export function dsseV2(subject: string) {
  const payload = statement(subject);
  return {
    dsseRequestV002: {
      envelope: {
        payload: toBase64(payload),
        payloadType: PAYLOAD_TYPE,
        signatures: [{ sig: signature(pae(PAYLOAD_TYPE, payload)), keyid: '' }],
      },
      verifiers: [verifier],
    },
  };
}
