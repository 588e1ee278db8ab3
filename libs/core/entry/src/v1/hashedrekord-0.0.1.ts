/**
 * hashedrekord 0.0.1: a signature over a digest, and the key or certificate it verifies with.
 *
 * The log never sees the artifact, so the signature is verified over the digest itself; of the Ed25519 family
 * only Ed25519ph can be (CONTRACTS §3.9).
 */
import type { HashName, KeyKind, PublicKey } from '#core/crypto';
import { Fault } from '#core/fault';
import type { JsonObject } from '#core/json';
import { fromHex, fromUtf8, toBase64 } from '#core/octets';
import { signerFacets } from '../facets.js';
import {
  leafSignerOf,
  readPemVerifier,
  verifierKeys,
  verifyVerifierChain,
  type PemVerifier,
} from '../pem-verifier.js';
import type { EntryKind, ProposedEntry } from '../proposed-entry.js';
import { within } from '../refuse.js';
import { searchKeysOf } from '../search-keys.js';
import { verifyOverDigest } from '../signature.js';
import { canonicalEntry, hashAt, hashMember, objectAt, octetsAt, required, type HashText } from './spec.js';

const KIND = 'hashedrekord';
const VERSION = '0.0.1';

/** The pairs of key and hash that Rekor allows unless told otherwise (`--client-signing-algorithms`). */
const HASH_OF_KEY: Readonly<Record<KeyKind, HashName>> = {
  'ec-p256': 'sha256',
  'ec-p384': 'sha384',
  'ec-p521': 'sha512',
  rsa: 'sha256',
  ed25519: 'sha512',
};

interface Parts {
  readonly signature: Uint8Array;
  readonly verifier: PemVerifier;
  readonly hash: HashText;
}

function readParts(spec: JsonObject): Parts {
  const signature = required(objectAt(spec, 'signature'), 'signature');
  const publicKey = required(objectAt(signature, 'publicKey'), 'public key');
  const data = required(objectAt(spec, 'data'), 'data');
  return {
    signature: required(octetsAt(signature, 'content', 'signature content'), 'signature content'),
    verifier: readPemVerifier(
      required(octetsAt(publicKey, 'content', 'public key content'), 'public key content'),
    ),
    hash: required(hashAt(data, 'hash', ['sha256', 'sha384', 'sha512']), 'hash'),
  };
}

function canonical({ signature, verifier, hash }: Parts): Uint8Array {
  return canonicalEntry(KIND, VERSION, {
    data: { hash: hashMember(hash) },
    signature: {
      content: toBase64(signature),
      publicKey: { content: toBase64(fromUtf8(verifier.canonicalPem)) },
    },
  });
}

function admitAlgorithm(key: PublicKey, hash: HashName): void {
  if (key.details === undefined || HASH_OF_KEY[key.kind] !== hash) {
    throw new Fault('malformed', 'entry/algorithm', 'entry algorithms are not allowed', {
      detail: { key: key.kind, hash },
    });
  }
}

function keysOf({ verifier, hash }: Parts): string[] {
  return [...verifierKeys(verifier), `${hash.algorithm}:${hash.value}`];
}

function read(spec: JsonObject): ProposedEntry {
  const parts = readParts(spec);
  const { verifier, hash, signature } = parts;
  admitAlgorithm(verifier.key, hash.algorithm);
  return {
    kind: KIND,
    version: VERSION,
    canonical: canonical(parts),
    searchKeys: searchKeysOf(...keysOf(parts)),
    facets: signerFacets([leafSignerOf(verifier)]),
    verify: () => {
      within('entry/signature', 'verifying signature', () => {
        verifyVerifierChain(verifier);
        verifyOverDigest(verifier.key, hash.algorithm, fromHex(hash.value), signature);
      });
    },
  };
}

export const hashedrekord001: EntryKind = {
  kind: KIND,
  version: VERSION,
  read,
  canonicalise: (spec) => canonical(readParts(spec)),
  readLeaf: (spec) => {
    const parts = readParts(spec);
    const { hash, signature, verifier } = parts;
    return {
      envelope: false,
      signers: [leafSignerOf(verifier)],
      signatures: [{ key: verifier.key, octets: signature, over: { digestBy: hash.algorithm } }],
      digests: [`${hash.algorithm}:${hash.value}`],
      searchKeys: keysOf(parts),
    };
  },
};
