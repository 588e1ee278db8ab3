/**
 * Signers with certificates, and what they sign, spelt for each face of the log: for specs whose subject is the entry
 * and not the library that makes it.
 */
import { createHash } from 'node:crypto';
import { pae } from '#core/entry';
import { fromUtf8, toBase64, toHex } from '#core/octets';
import { formatPem } from '#core/pem';
import { assembleCertificate, draftLeaf } from '#core/x509';
import {
  fullLeafProfile,
  softwareCa,
  softwareKey,
  type SoftwareCa,
  type SoftwareKey,
} from './software-pki.js';

export const IN_TOTO = 'application/vnd.in-toto+json';

export interface StatementSigner {
  readonly key: SoftwareKey;
  readonly identity: string;
  readonly issuer: string;
  /** Certificate, or the bare key. */
  readonly pem: string;
  readonly certificate: Uint8Array | undefined;
}

let authority: SoftwareCa | undefined;

function hex(name: string, octets: Uint8Array): string {
  return createHash(name).update(octets).digest('hex');
}

/** Somebody whom a certificate names. */
export function certifiedSigner(
  identity: string,
  issuer: string,
  algorithm: 'ecdsa-p256-sha256' | 'ecdsa-p384-sha384' = 'ecdsa-p256-sha256',
): StatementSigner {
  authority ??= softwareCa('code-root', 'Spec Code Root');
  const key = softwareKey(algorithm);
  const draft = draftLeaf({
    ...fullLeafProfile(authority, key.spki),
    serial: createHash('sha256').update(identity).update(key.spki).digest().subarray(0, 20),
    name: { kind: 'email', value: identity },
    oidcIssuer: issuer,
    extensions: [],
  });
  const tbs = draft.tbsLogged();
  const certificate = assembleCertificate(tbs, draft.signatureAlgorithm, authority.key.sign(tbs));
  return { key, identity, issuer, certificate, pem: formatPem('CERTIFICATE', certificate) };
}

/** Somebody who is known by a key. */
export function bareSigner(algorithm?: 'ecdsa-p256-sha256' | 'ecdsa-p384-sha384'): StatementSigner {
  const key = softwareKey(algorithm);
  return {
    key,
    identity: '',
    issuer: '',
    certificate: undefined,
    pem: formatPem('PUBLIC KEY', key.spki),
  };
}

export interface SpecStatement {
  readonly subject: readonly { readonly name: string; readonly digest: Readonly<Record<string, string>> }[];
  readonly predicateType: string;
  readonly predicate?: unknown;
}

export function inToto(statement: SpecStatement): Uint8Array {
  return fromUtf8(JSON.stringify({ _type: 'https://in-toto.io/Statement/v1', ...statement }));
}

/** A statement about one thing, which is named by its own digest. */
export function statementAbout(thing: string, predicateType = 'https://example.com/p'): Uint8Array {
  const digest = { sha256: hex('sha256', fromUtf8(thing)) };
  return inToto({ subject: [{ name: thing, digest }], predicateType, predicate: {} });
}

export interface SignedEnvelope {
  readonly payload: Uint8Array;
  readonly payloadType: string;
  readonly signature: Uint8Array;
  readonly signer: StatementSigner;
  /** As it would be deposited. */
  readonly json: Uint8Array;
  /** Its name in the store. */
  readonly pae: string;
}

export function sealed(signer: StatementSigner, payload: Uint8Array, payloadType = IN_TOTO): SignedEnvelope {
  const signed = pae(payloadType, payload);
  const signature = signer.key.sign(signed);
  const json = fromUtf8(
    JSON.stringify({
      payload: toBase64(payload),
      payloadType,
      signatures: [{ sig: toBase64(signature), keyid: '' }],
    }),
  );
  return { payload, payloadType, signature, signer, json, pae: hex('sha256', signed) };
}

/** v1 dsse 0.0.1 */
export function asDsseV1({ json, signer }: SignedEnvelope): unknown {
  return {
    apiVersion: '0.0.1',
    kind: 'dsse',
    spec: {
      proposedContent: {
        envelope: new TextDecoder().decode(json),
        verifiers: [toBase64(fromUtf8(signer.pem))],
      },
    },
  };
}

/** v1 intoto 0.0.1 */
export function asIntotoV1({ json, signer }: SignedEnvelope): unknown {
  return {
    apiVersion: '0.0.1',
    kind: 'intoto',
    spec: {
      content: { envelope: new TextDecoder().decode(json) },
      publicKey: toBase64(fromUtf8(signer.pem)),
    },
  };
}

/** v1 intoto 0.0.2, with its double base64 */
export function asIntotoV2({ payload, payloadType, signature, signer }: SignedEnvelope): unknown {
  const twice = (octets: Uint8Array): string => toBase64(fromUtf8(toBase64(octets)));
  return {
    apiVersion: '0.0.2',
    kind: 'intoto',
    spec: {
      content: {
        envelope: {
          payload: twice(payload),
          payloadType,
          signatures: [{ sig: twice(signature), publicKey: toBase64(fromUtf8(signer.pem)) }],
        },
        hash: { algorithm: 'sha256', value: toHex(createHash('sha256').update(payload).digest()) },
        payloadHash: { algorithm: 'sha256', value: hex('sha256', payload) },
      },
    },
  };
}

function verifierV2({ key, certificate }: StatementSigner): unknown {
  const keyDetails =
    key.algorithm === 'ecdsa-p384-sha384' ? 'PKIX_ECDSA_P384_SHA_384' : 'PKIX_ECDSA_P256_SHA_256';
  return certificate === undefined
    ? { publicKey: { rawBytes: toBase64(key.spki) }, keyDetails }
    : { x509Certificate: { rawBytes: toBase64(certificate) }, keyDetails };
}

/** v2 hashedrekord over what the envelope signs: the log never sees the envelope. */
export function asHashedRekordV2({ payload, payloadType, signature, signer }: SignedEnvelope): unknown {
  const hash = signer.key.algorithm === 'ecdsa-p384-sha384' ? 'sha384' : 'sha256';
  const digest = createHash(hash).update(pae(payloadType, payload)).digest();
  return {
    hashedRekordRequestV002: {
      digest: toBase64(digest),
      signature: { content: toBase64(signature), verifier: verifierV2(signer) },
    },
  };
}

/** v2 request with the envelope in it, as older clients send. */
export function asDsseV2({ payload, payloadType, signature, signer }: SignedEnvelope): unknown {
  return {
    dsseRequestV002: {
      envelope: {
        payload: toBase64(payload),
        payloadType,
        signatures: [{ sig: toBase64(signature), keyid: '' }],
      },
      verifiers: [verifierV2(signer)],
    },
  };
}

/** v1 hashedrekord 0.0.1 over a file. */
export function asFileV1(signer: StatementSigner, file: string): unknown {
  const octets = fromUtf8(file);
  const hash = signer.key.algorithm === 'ecdsa-p384-sha384' ? 'sha384' : 'sha256';
  return {
    apiVersion: '0.0.1',
    kind: 'hashedrekord',
    spec: {
      data: { hash: { algorithm: hash, value: hex(hash, octets) } },
      signature: {
        content: toBase64(signer.key.sign(octets)),
        publicKey: { content: toBase64(fromUtf8(signer.pem)) },
      },
    },
  };
}

/** v2 hashedrekord over a file. */
export function asFileV2(signer: StatementSigner, file: string): unknown {
  const octets = fromUtf8(file);
  const hash = signer.key.algorithm === 'ecdsa-p384-sha384' ? 'sha384' : 'sha256';
  return {
    hashedRekordRequestV002: {
      digest: toBase64(createHash(hash).update(octets).digest()),
      signature: { content: toBase64(signer.key.sign(octets)), verifier: verifierV2(signer) },
    },
  };
}
