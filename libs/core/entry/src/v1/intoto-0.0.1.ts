/**
 * intoto 0.0.1: an envelope as a string and one key. Old attestations have it, and cosign 2.x still asks for
 * it when it looks an attestation up, so it must at least canonicalise (CONTRACTS §3.2).
 */
import { sha256 } from '#core/crypto';
import type { JsonObject } from '#core/json';
import { fromUtf8, toBase64, toHex } from '#core/octets';
import { readEnvelope, type Envelope } from '../envelope.js';
import { ENVELOPE_FACET, signerFacets, statementFacets } from '../facets.js';
import {
  envelopeVerifierKeys,
  holdsOverEnvelope,
  leafSignerOf,
  readPemVerifier,
  type PemVerifier,
} from '../pem-verifier.js';
import type { EntryKind, ProposedEntry } from '../proposed-entry.js';
import { unverified } from '../refuse.js';
import { readStatement, searchKeysOf, statementKeys } from '../search-keys.js';
import { attestationOf } from './attestation.js';
import {
  canonicalEntry,
  hashAt,
  hashMember,
  objectAt,
  octetsAt,
  required,
  textAt,
  type HashText,
} from './spec.js';

const KIND = 'intoto';
const VERSION = '0.0.1';

interface Parts {
  readonly verifier: PemVerifier;
  readonly hash: HashText;
  /** The oldest entries in public logs have none. */
  readonly payloadHash: HashText | undefined;
}

function canonical({ verifier, hash, payloadHash }: Parts): Uint8Array {
  return canonicalEntry(KIND, VERSION, {
    content: {
      hash: hashMember(hash),
      ...(payloadHash === undefined ? {} : { payloadHash: hashMember(payloadHash) }),
    },
    publicKey: toBase64(fromUtf8(verifier.canonicalPem)),
  });
}

function readVerifier(spec: JsonObject): PemVerifier {
  return readPemVerifier(
    required(octetsAt(spec, 'publicKey', 'public key'), 'public key in intoto v0.0.1 entry'),
  );
}

function readProposed(spec: JsonObject, text: string): { parts: Parts; envelope: Envelope } {
  const verifier = readVerifier(spec);
  const envelope = readEnvelope(text);
  const parts: Parts = {
    verifier,
    hash: { algorithm: 'sha256', value: toHex(sha256(fromUtf8(text))) },
    payloadHash: { algorithm: 'sha256', value: toHex(sha256(envelope.payload)) },
  };
  return { parts, envelope };
}

/** Those that the leaf gives away. */
function keysOf({ verifier, hash, payloadHash }: Parts): string[] {
  return [`sha256:${hash.value}`, ...envelopeVerifierKeys(verifier), ...digestsOf({ payloadHash })];
}

function digestsOf({ payloadHash }: Pick<Parts, 'payloadHash'>): string[] {
  return payloadHash === undefined ? [] : [`sha256:${payloadHash.value}`];
}

function read(spec: JsonObject): ProposedEntry {
  const content = required(objectAt(spec, 'content'), 'content property');
  const text = required(textAt(content, 'envelope'), 'envelope content');
  const { parts, envelope } = readProposed(spec, text);
  const { verifier } = parts;
  const { payloadType, payload, signatures, signed } = envelope;
  const about = readStatement(payloadType, payload);
  return {
    kind: KIND,
    version: VERSION,
    canonical: canonical(parts),
    searchKeys: searchKeysOf(...keysOf(parts), ...statementKeys(about)),
    facets: [ENVELOPE_FACET, ...signerFacets([leafSignerOf(verifier)]), ...statementFacets(about)],
    ...attestationOf(payload),
    statement: { payloadType, payload, envelope: fromUtf8(text), pae: sha256(signed) },
    verify: () => {
      // Only one key can be named here, so a second signature of somebody else is not for us to judge.
      if (!signatures.some((one) => holdsOverEnvelope(verifier, signed, one.octets))) {
        throw unverified('accepted signatures do not match threshold, Found: 0, Expected 1');
      }
    },
  };
}

function readCommitted(spec: JsonObject): Parts {
  const content = required(objectAt(spec, 'content'), 'content in intoto v0.0.1 entry');
  return {
    verifier: readVerifier(spec),
    hash: required(hashAt(content, 'hash', ['sha256']), 'hash value for envelope'),
    payloadHash: hashAt(content, 'payloadHash', ['sha256']),
  };
}

function canonicalise(spec: JsonObject): Uint8Array {
  const content = required(objectAt(spec, 'content'), 'content in intoto v0.0.1 entry');
  const text = textAt(content, 'envelope');
  return canonical(text === undefined ? readCommitted(spec) : readProposed(spec, text).parts);
}

export const intoto001: EntryKind = {
  kind: KIND,
  version: VERSION,
  read,
  canonicalise,
  readLeaf: (spec) => {
    const parts = readCommitted(spec);
    return {
      envelope: true,
      signers: [leafSignerOf(parts.verifier)],
      signatures: [],
      digests: [...digestsOf(parts), `sha256:${parts.hash.value}`],
      searchKeys: keysOf(parts),
    };
  },
};
