/** What clients propose to the logs, written out as their documents say. */
import { type Certified, Holder, sha256 } from './signer.js';

const PAYLOAD_TYPE = 'application/vnd.in-toto+json';

/** DSSE's pre-authentication encoding. */
function preAuthentication(payload: Buffer): Buffer {
  return Buffer.concat([
    Buffer.from(`DSSEv1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} ${payload.length} `),
    payload,
  ]);
}

/** Who signs a proposal: somebody with a certificate, or a bare key. */
export type Proposer = Certified | Holder;

function holderOf(proposer: Proposer): Holder {
  return proposer instanceof Holder ? proposer : proposer.holder;
}

function pemOf(proposer: Proposer): string {
  return proposer instanceof Holder ? proposer.pem : `${proposer.chain[0]}\n`;
}

function base64(bytes: Uint8Array | string): string {
  return Buffer.from(bytes).toString('base64');
}

export function hashedRekordV1(proposer: Proposer, artifact: string) {
  return {
    apiVersion: '0.0.1',
    kind: 'hashedrekord',
    spec: {
      data: { hash: { algorithm: 'sha256', value: sha256(artifact).toString('hex') } },
      signature: {
        content: base64(holderOf(proposer).sign(artifact)),
        publicKey: { content: base64(pemOf(proposer)) },
      },
    },
  };
}

export function statement(subject: string): Buffer {
  return Buffer.from(
    JSON.stringify({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name: subject, digest: { sha256: sha256(subject).toString('hex') } }],
      predicateType: 'https://example.com/p',
      predicate: {},
    }),
  );
}

export function envelope(proposer: Proposer, subject: string) {
  const payload = statement(subject);
  const sig = base64(holderOf(proposer).sign(preAuthentication(payload)));
  return { payload: base64(payload), payloadType: PAYLOAD_TYPE, signatures: [{ sig, keyid: '' }] };
}

/** Under which a store of statements knows it: SHA-256 of the pre-authentication encoding, in hex. */
export function nameOfStatement({ payload }: Pick<ReturnType<typeof envelope>, 'payload'>): string {
  return sha256(preAuthentication(Buffer.from(payload, 'base64'))).toString('hex');
}

export function dsseV1(proposer: Proposer, subject: string, wrapped = envelope(proposer, subject)) {
  return {
    apiVersion: '0.0.1',
    kind: 'dsse',
    spec: { proposedContent: { envelope: JSON.stringify(wrapped), verifiers: [base64(pemOf(proposer))] } },
  };
}

/** intoto 0.0.1, as cosign 2 sends it beside dsse when it searches. */
export function intotoV001(proposer: Proposer, wrapped: ReturnType<typeof envelope>) {
  return {
    apiVersion: '0.0.1',
    kind: 'intoto',
    spec: { content: { envelope: JSON.stringify(wrapped) }, publicKey: base64(pemOf(proposer)) },
  };
}

export function intotoV002(proposer: Proposer, subject: string) {
  const { payload, signatures } = envelope(proposer, subject);
  const publicKey = base64(pemOf(proposer));
  const sig = signatures[0]?.sig ?? '';
  const single = { payload, payloadType: PAYLOAD_TYPE, signatures: [{ sig, publicKey: pemOf(proposer) }] };
  return {
    apiVersion: '0.0.2',
    kind: 'intoto',
    spec: {
      content: {
        envelope: {
          payload: base64(payload),
          payloadType: PAYLOAD_TYPE,
          signatures: [{ sig: base64(sig), publicKey }],
        },
        hash: { algorithm: 'sha256', value: sha256(JSON.stringify(single)).toString('hex') },
        payloadHash: { algorithm: 'sha256', value: sha256(statement(subject)).toString('hex') },
      },
    },
  };
}

function verifierV2(proposer: Proposer) {
  const keyDetails = 'PKIX_ECDSA_P256_SHA_256';
  return proposer instanceof Holder
    ? { publicKey: { rawBytes: base64(proposer.spki) }, keyDetails }
    : { x509Certificate: { rawBytes: base64(proposer.leaf.raw) }, keyDetails };
}

export function hashedRekordV2(proposer: Proposer, artifact: string) {
  return {
    hashedRekordRequestV002: {
      digest: base64(sha256(artifact)),
      signature: { content: base64(holderOf(proposer).sign(artifact)), verifier: verifierV2(proposer) },
    },
  };
}

/** An attestation as cosign 3.1 logs it: the digest is that of the pre-authentication encoding. */
export function hashedRekordOverEnvelopeV2(proposer: Proposer, wrapped: ReturnType<typeof envelope>) {
  const encoded = preAuthentication(Buffer.from(wrapped.payload, 'base64'));
  return {
    hashedRekordRequestV002: {
      digest: base64(sha256(encoded)),
      signature: { content: wrapped.signatures[0]?.sig ?? '', verifier: verifierV2(proposer) },
    },
  };
}

export function dsseV2(proposer: Proposer, wrapped: ReturnType<typeof envelope>) {
  return { dsseRequestV002: { envelope: wrapped, verifiers: [verifierV2(proposer)] } };
}

/** The leaf of a v2 log as sigstore-go makes it again from a bundle, member by member and without our code. */
export function rebuiltLeafV2(proposer: Proposer, digest: string, signature: string): Buffer {
  const raw = proposer instanceof Holder ? proposer.spki : proposer.leaf.raw;
  const member = proposer instanceof Holder ? 'publicKey' : 'x509Certificate';
  return Buffer.from(
    '{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{"hashedRekordV002":{"data":{"algorithm":"SHA2_256",' +
      `"digest":"${digest}"},"signature":{"content":"${signature}","verifier":{"keyDetails":"PKIX_ECDSA_P256_SHA_256",` +
      `"${member}":{"rawBytes":"${base64(raw)}"}}}}}}`,
  );
}
