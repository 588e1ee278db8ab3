/**
 * hashedrekord 0.0.2: the one kind of entry in a v2 log.
 *
 * Its canonical body is rebuilt, octet for octet, by verifiers that never see the stored one, so nothing may
 * be added, left out or respelt (CONTRACTS §4.2). `digest` is the artifact's, or that of a DSSE envelope's
 * pre-authentication encoding.
 */
import { HASH_LENGTH, type HashName } from '#core/crypto';
import { Fault } from '#core/fault';
import { canonicalJson, type JsonValue } from '#core/json';
import { MAX_ENTRY_BYTES } from '#core/tile';
import { toBase64 } from '#core/octets';
import { signerFacets } from '../facets.js';
import type { ProposedEntry, Statement } from '../proposed-entry.js';
import { malformed, within } from '../refuse.js';
import { digestKey, searchKeysOf } from '../search-keys.js';
import { verifyOverDigest } from '../signature.js';
import { octetsOf, readMessage, required } from './message.js';
import { readVerifier, type RequestVerifier } from './verifier.js';

const HASH_NAME: Readonly<Record<HashName, string>> = {
  sha256: 'SHA2_256',
  sha384: 'SHA2_384',
  sha512: 'SHA2_512',
};

/** More cannot be said in an entry bundle, so it cannot be logged. */
export const MAX_V2_ENTRY_BYTES = MAX_ENTRY_BYTES;

/** The entry that records `signature` of `verifier` over `digest`. */
export function hashedrekord002(
  digest: Uint8Array,
  signature: Uint8Array,
  verifier: RequestVerifier,
  more: {
    readonly searchKeys?: readonly string[];
    readonly facets?: readonly string[];
    readonly statement?: Statement;
  } = {},
): ProposedEntry {
  const { key, hash } = verifier;
  const canonical = canonicalJson({
    apiVersion: '0.0.2',
    kind: 'hashedrekord',
    spec: {
      hashedRekordV002: {
        data: { algorithm: HASH_NAME[hash], digest: toBase64(digest) },
        signature: { content: toBase64(signature), verifier: verifier.canonical },
      },
    },
  });
  if (canonical.length > MAX_V2_ENTRY_BYTES) {
    throw new Fault('malformed', 'entry/too-large', `an entry may have at most ${MAX_V2_ENTRY_BYTES} octets`);
  }
  if (digest.length !== HASH_LENGTH[hash]) {
    throw malformed(
      `digest length (${digest.length}) does not match expected size (${HASH_LENGTH[hash]}) for ${hash}`,
    );
  }
  return {
    kind: 'hashedrekord',
    version: '0.0.2',
    canonical,
    searchKeys: searchKeysOf(...verifier.searchKeys, digestKey(hash, digest), ...(more.searchKeys ?? [])),
    facets: [...signerFacets([verifier.signer]), ...(more.facets ?? [])],
    ...(more.statement === undefined ? {} : { statement: more.statement }),
    verify: () => {
      within('entry/signature', 'verifying signature', () => {
        verifyOverDigest(key, hash, digest, signature);
      });
    },
  };
}

/** Reads a `HashedRekordRequestV002`. */
export function readHashedRekordRequest(value: JsonValue): ProposedEntry {
  const request = readMessage(value, ['digest', 'signature']);
  const signature = readMessage(required(request.signature, 'signature'), ['content', 'verifier']);
  const content = required(octetsOf(signature.content, 'content'), 'signature');
  const digest = required(octetsOf(request.digest, 'digest'), 'digest');
  return hashedrekord002(digest, content, readVerifier(required(signature.verifier, 'verifier')));
}
