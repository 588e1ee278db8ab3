/**
 * dsse 0.0.1: an envelope, of which only hashes, signatures and verifiers are kept.
 *
 * `envelopeHash` is over the envelope exactly as received: nobody's serialisation but the client's. Which
 * verifier stands beside which signature is part of the leaf, so with more than one of either the pairing is
 * found by verifying, already while reading.
 */
import { sha256 } from '#core/crypto';
import { isJsonObject, type JsonObject, type JsonValue } from '#core/json';
import { fromUtf8, toBase64, toHex } from '#core/octets';
import { wrappedBase64 } from '../base64.js';
import { readEnvelope, readSignatureText, type Envelope } from '../envelope.js';
import { ENVELOPE_FACET, signerFacets, statementFacets } from '../facets.js';
import {
  envelopeVerifierKeys,
  holdsOverEnvelope,
  leafSignerOf,
  readPemVerifier,
  type PemVerifier,
} from '../pem-verifier.js';
import type { EntryKind, ProposedEntry } from '../proposed-entry.js';
import { malformed, unverified } from '../refuse.js';
import { readStatement, searchKeysOf, statementKeys } from '../search-keys.js';
import {
  canonicalEntry,
  hashAt,
  hashMember,
  listAt,
  objectAt,
  required,
  textAt,
  type HashText,
} from './spec.js';

const KIND = 'dsse';
const VERSION = '0.0.1';
const MAX_VERIFIERS = 10;
const UNPAIRED = 'all signatures must have a key that verifies it';

interface Pair {
  /** Base64 as sent. */
  readonly signature: string;
  readonly verifier: PemVerifier;
}

interface Parts {
  readonly pairs: readonly Pair[];
  readonly envelopeHash: HashText;
  readonly payloadHash: HashText;
}

function canonical({ pairs, envelopeHash, payloadHash }: Parts): Uint8Array {
  // Sorted by the text of the signature; base64 has no character that UTF-16 and UTF-8 would order differently.
  const signatures = pairs
    .toSorted((a, b) => (a.signature < b.signature ? -1 : a.signature > b.signature ? 1 : 0))
    .map(({ signature, verifier }) => ({ signature, verifier: toBase64(fromUtf8(verifier.canonicalPem)) }));
  return canonicalEntry(KIND, VERSION, {
    envelopeHash: hashMember(envelopeHash),
    payloadHash: hashMember(payloadHash),
    signatures,
  });
}

function readVerifiers(list: readonly JsonValue[]): PemVerifier[] {
  if (list.length === 0) throw malformed('missing proposed verifiers');
  if (list.length > MAX_VERIFIERS)
    throw malformed(`too many verifiers: ${list.length}, max allowed: ${MAX_VERIFIERS}`);
  return list.map((one) => {
    if (typeof one !== 'string') throw malformed('an invalid null verifier was provided in ProposedContent');
    return readPemVerifier(wrappedBase64(one, 'verifier'));
  });
}

interface Pairing {
  readonly pairs: readonly Pair[];
  verify(): void;
}

function pair(envelope: Envelope, verifiers: readonly PemVerifier[]): Pairing {
  // One signature sent twice is one signature.
  const signatures = new Map(envelope.signatures.map((one) => [one.text, one.octets]));
  const [only, ...others] = verifiers;
  const [first] = signatures.keys();
  if (only !== undefined && first !== undefined && others.length === 0 && signatures.size === 1) {
    return {
      pairs: [{ signature: first, verifier: only }],
      verify: () => {
        if (!holdsOverEnvelope(only, envelope.signed, signatures.get(first) ?? new Uint8Array())) {
          throw unverified(`could not verify envelope: ${UNPAIRED}`);
        }
      },
    };
  }
  const pairs = Array.from(signatures, ([signature, octets]) => {
    const verifier = verifiers.find((one) => holdsOverEnvelope(one, envelope.signed, octets));
    if (verifier === undefined) throw unverified(`could not verify envelope: ${UNPAIRED}`);
    return { signature, verifier };
  });
  return { pairs, verify: () => undefined };
}

interface Proposed {
  readonly parts: Parts;
  /** As it was sent. */
  readonly text: string;
  readonly envelope: Envelope;
  verify(): void;
}

function readProposed(spec: JsonObject): Proposed {
  const proposed = required(objectAt(spec, 'proposedContent'), 'proposed content');
  for (const name of ['signatures', 'envelopeHash', 'payloadHash']) {
    if (spec[name] !== undefined && spec[name] !== null) {
      throw malformed(
        'either proposedContent or envelopeHash, payloadHash, and signatures must be present but not both',
      );
    }
  }
  const text = required(textAt(proposed, 'envelope'), 'proposed DSSE envelope');
  const verifiers = readVerifiers(required(listAt(proposed, 'verifiers'), 'proposed verifiers'));
  const envelope = readEnvelope(text);
  const { pairs, verify } = pair(envelope, verifiers);
  const parts: Parts = {
    pairs,
    envelopeHash: { algorithm: 'sha256', value: toHex(sha256(fromUtf8(text))) },
    payloadHash: { algorithm: 'sha256', value: toHex(sha256(envelope.payload)) },
  };
  return { parts, text, envelope, verify };
}

/** Those that the leaf gives away. */
function keysOf({ pairs, envelopeHash, payloadHash }: Parts): string[] {
  return [
    ...pairs.flatMap(({ verifier }) => envelopeVerifierKeys(verifier)),
    `sha256:${payloadHash.value}`,
    `sha256:${envelopeHash.value}`,
  ];
}

function read(spec: JsonObject): ProposedEntry {
  const { parts, text, envelope, verify } = readProposed(spec);
  const { payloadType, payload, signed } = envelope;
  const about = readStatement(payloadType, payload);
  return {
    kind: KIND,
    version: VERSION,
    canonical: canonical(parts),
    searchKeys: searchKeysOf(...keysOf(parts), ...statementKeys(about)),
    facets: [
      ENVELOPE_FACET,
      ...signerFacets(parts.pairs.map(({ verifier }) => leafSignerOf(verifier))),
      ...statementFacets(about),
    ],
    statement: { payloadType, payload, envelope: fromUtf8(text), pae: sha256(signed) },
    verify,
  };
}

/** The form without an envelope, in which the entry stands in the log. */
function readCommitted(spec: JsonObject): Parts {
  const pairs = required(listAt(spec, 'signatures'), 'signatures').map((one) => {
    const item = isJsonObject(one) ? one : undefined;
    const verifier = required(textAt(item, 'verifier'), 'signature verifier');
    return {
      signature: readSignatureText(item?.['signature']).text,
      verifier: readPemVerifier(wrappedBase64(verifier, 'signature verifier')),
    };
  });
  if (pairs.length === 0) throw malformed('missing signatures');
  return {
    pairs,
    envelopeHash: required(hashAt(spec, 'envelopeHash', ['sha256']), 'envelope hash'),
    payloadHash: required(hashAt(spec, 'payloadHash', ['sha256']), 'payload hash'),
  };
}

export const dsse001: EntryKind = {
  kind: KIND,
  version: VERSION,
  read,
  canonicalise: (spec) =>
    canonical(
      objectAt(spec, 'proposedContent') === undefined ? readCommitted(spec) : readProposed(spec).parts,
    ),
  readLeaf: (spec) => {
    const parts = readCommitted(spec);
    return {
      envelope: true,
      signers: parts.pairs.map(({ verifier }) => leafSignerOf(verifier)),
      signatures: parts.pairs.map(({ signature, verifier }) => ({
        key: verifier.key,
        octets: readSignatureText(signature).octets,
        over: 'message',
      })),
      digests: [`sha256:${parts.payloadHash.value}`, `sha256:${parts.envelopeHash.value}`],
      searchKeys: keysOf(parts),
    };
  },
};
