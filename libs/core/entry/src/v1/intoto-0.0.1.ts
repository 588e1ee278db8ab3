/**
 * intoto 0.0.1: an envelope as a string and one key. Old attestations have it, and cosign 2.x still asks for
 * it when it looks an attestation up, so it must at least canonicalise (CONTRACTS §3.2).
 */
import { sha256 } from '#core/crypto';
import type { JsonObject } from '#core/json';
import { fromUtf8, toBase64, toHex } from '#core/octets';
import { readEnvelope, type Envelope } from '../envelope.js';
import { holdsOverEnvelope, readPemVerifier, verifierKeys, type PemVerifier } from '../pem-verifier.js';
import type { EntryKind, ProposedEntry } from '../proposed-entry.js';
import { unverified } from '../refuse.js';
import { searchKeysOf, statementKeys } from '../search-keys.js';
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

function read(spec: JsonObject): ProposedEntry {
  const content = required(objectAt(spec, 'content'), 'content property');
  const { parts, envelope } = readProposed(spec, required(textAt(content, 'envelope'), 'envelope content'));
  const { verifier, hash, payloadHash } = parts;
  const { payloadType, payload, signatures, signed } = envelope;
  const [key = '', ...names] = verifierKeys(verifier);
  return {
    kind: KIND,
    version: VERSION,
    canonical: canonical(parts),
    searchKeys: searchKeysOf(
      `sha256:${hash.value}`,
      `sha256:${key}`,
      key,
      ...names,
      `sha256:${payloadHash?.value ?? ''}`,
      ...statementKeys(payloadType, payload),
    ),
    ...attestationOf(payload),
    statement: { payloadType, payload },
    verify: () => {
      // Only one key can be named here, so a second signature of somebody else is not for us to judge.
      if (!signatures.some((one) => holdsOverEnvelope(verifier, signed, one.octets))) {
        throw unverified('accepted signatures do not match threshold, Found: 0, Expected 1');
      }
    },
  };
}

function canonicalise(spec: JsonObject): Uint8Array {
  const content = required(objectAt(spec, 'content'), 'content in intoto v0.0.1 entry');
  const text = textAt(content, 'envelope');
  if (text !== undefined) return canonical(readProposed(spec, text).parts);
  return canonical({
    verifier: readVerifier(spec),
    hash: required(hashAt(content, 'hash', ['sha256']), 'hash value for envelope'),
    payloadHash: hashAt(content, 'payloadHash', ['sha256']),
  });
}

export const intoto001: EntryKind = { kind: KIND, version: VERSION, read, canonicalise };
