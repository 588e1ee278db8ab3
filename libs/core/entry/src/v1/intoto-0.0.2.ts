/**
 * intoto 0.0.2: an envelope as JSON, each signature with its key.
 *
 * Payload and signatures arrive in base64 twice over: once because DSSE writes them so, and again because the
 * schema calls those fields octets. The leaf keeps keys as they were sent; only search uses canonical ones.
 */
import { sha256 } from '#core/crypto';
import { canonicalJson, isJsonObject, type JsonObject, type JsonValue } from '#core/json';
import { toBase64, toHex, toUtf8 } from '#core/octets';
import { assembleEnvelope, readSignatureText } from '../envelope.js';
import { ENVELOPE_FACET, signerFacets, statementFacets } from '../facets.js';
import { envelopeVerifierKeys, holdsOverEnvelope, leafSignerOf, readPemVerifier } from '../pem-verifier.js';
import type { EntryKind, ProposedEntry } from '../proposed-entry.js';
import { malformed, unverified } from '../refuse.js';
import { readStatement, searchKeysOf, statementKeys } from '../search-keys.js';
import { attestationOf } from './attestation.js';
import {
  canonicalEntry,
  hashAt,
  hashMember,
  listAt,
  objectAt,
  octetsAt,
  required,
  textAt,
  type HashText,
} from './spec.js';

const KIND = 'intoto';
const VERSION = '0.0.2';

interface SignatureParts {
  readonly keyid: string | undefined;
  /** Once decoded: the text that DSSE calls `sig`. */
  readonly sig: Uint8Array;
  readonly publicKey: Uint8Array;
}

interface Parts {
  readonly payloadType: string;
  readonly signatures: readonly SignatureParts[];
  readonly hash: HashText;
  readonly payloadHash: HashText;
}

function canonical({ payloadType, signatures, hash, payloadHash }: Parts): Uint8Array {
  return canonicalEntry(KIND, VERSION, {
    content: {
      envelope: {
        payloadType,
        signatures: signatures.map(({ keyid, sig, publicKey }) => ({
          ...(keyid === undefined ? {} : { keyid }),
          publicKey: toBase64(publicKey),
          sig: toBase64(sig),
        })),
      },
      hash: hashMember(hash),
      payloadHash: hashMember(payloadHash),
    },
  });
}

function readSignature(one: JsonValue): SignatureParts {
  const item = isJsonObject(one) ? one : undefined;
  if (item === undefined) throw malformed('missing signature entry');
  return {
    keyid: textAt(item, 'keyid'),
    sig: required(octetsAt(item, 'sig', 'signature'), 'signature content'),
    publicKey: required(octetsAt(item, 'publicKey', 'public key'), 'publicKey content'),
  };
}

interface Content {
  readonly content: JsonObject;
  readonly envelope: JsonObject;
  readonly payloadType: string;
  readonly signatures: readonly SignatureParts[];
  readonly hash: HashText;
}

function readContent(spec: JsonObject): Content {
  const content = required(objectAt(spec, 'content'), 'content property');
  const envelope = required(objectAt(content, 'envelope'), 'envelope property');
  const signatures = required(listAt(envelope, 'signatures'), 'signatures content').map(readSignature);
  if (signatures.length === 0) throw malformed('missing signatures');
  return {
    content,
    envelope,
    payloadType: required(textAt(envelope, 'payloadType'), 'payloadType content'),
    signatures,
    hash: required(hashAt(content, 'hash', ['sha256']), 'envelope digest'),
  };
}

function read(spec: JsonObject): ProposedEntry {
  const { envelope, payloadType, signatures, hash } = readContent(spec);
  const payloadText = toUtf8(required(octetsAt(envelope, 'payload', 'payload'), 'envelope content'));
  const {
    payload,
    signed,
    signatures: sent,
  } = assembleEnvelope(
    payloadType,
    payloadText,
    signatures.map(({ sig }) => toUtf8(sig)),
  );
  const verifiers = signatures.map(({ publicKey }) => readPemVerifier(publicKey));
  const payloadHash: HashText = { algorithm: 'sha256', value: toHex(sha256(payload)) };
  const about = readStatement(payloadType, payload);
  return {
    kind: KIND,
    version: VERSION,
    canonical: canonical({ payloadType, signatures, hash, payloadHash }),
    searchKeys: searchKeysOf(
      ...verifiers.flatMap(envelopeVerifierKeys),
      `sha256:${payloadHash.value}`,
      ...statementKeys(about),
    ),
    facets: [ENVELOPE_FACET, ...signerFacets(verifiers.map(leafSignerOf)), ...statementFacets(about)],
    ...attestationOf(payload),
    statement: {
      payloadType,
      payload,
      // It came in pieces, so this spelling is ours; the keys beside the signatures are the leaf's.
      envelope: canonicalJson({
        payload: toBase64(payload),
        payloadType,
        signatures: signatures.map(({ keyid, sig }) => ({
          ...(keyid === undefined ? {} : { keyid }),
          sig: toUtf8(sig),
        })),
      }),
      pae: sha256(signed),
    },
    verify: () => {
      verifiers.forEach((verifier, at) => {
        // The leaf says that this key made this signature, so no other key will do.
        if (!holdsOverEnvelope(verifier, signed, sent[at]?.octets ?? new Uint8Array())) {
          throw unverified('could not verify envelope: all signatures must have a key that verifies it');
        }
      });
    },
  };
}

function canonicalise(spec: JsonObject): Uint8Array {
  const { content, envelope } = readContent(spec);
  if (textAt(envelope, 'payload') !== undefined) return read(spec).canonical;
  const payloadHash = required(hashAt(content, 'payloadHash', ['sha256']), 'payload digest');
  return canonical({ ...readContent(spec), payloadHash });
}

export const intoto002: EntryKind = {
  kind: KIND,
  version: VERSION,
  read,
  canonicalise,
  readLeaf: (spec) => {
    const { content, signatures } = readContent(spec);
    const payloadHash = required(hashAt(content, 'payloadHash', ['sha256']), 'payload digest');
    const verifiers = signatures.map(({ publicKey }) => readPemVerifier(publicKey));
    const digests = [`sha256:${payloadHash.value}`];
    return {
      envelope: true,
      signers: verifiers.map(leafSignerOf),
      signatures: signatures.map(({ sig, publicKey }) => ({
        key: readPemVerifier(publicKey).key,
        octets: readSignatureText(toUtf8(sig)).octets,
        over: 'message',
      })),
      digests,
      searchKeys: [...verifiers.flatMap(envelopeVerifierKeys), ...digests],
    };
  },
};
