/**
 * dsse 0.0.2: what v2 logs of before June 2026 made of an envelope, and what verifiers of that time still expect
 * (CONTRACTS §4.1). Written only where the settings ask for it: newer verifiers refuse it.
 *
 * The body holds a digest of the payload, always SHA-256, and the signatures; what they are over can be told only by
 * whoever has the envelope.
 */
import { digest, sha256 } from '#core/crypto';
import { Fault } from '#core/fault';
import { canonicalJson } from '#core/json';
import { toBase64 } from '#core/octets';
import { pae } from '../pae.js';
import { ENVELOPE_FACET, signerFacets, statementFacets } from '../facets.js';
import type { ProposedEntry, Statement } from '../proposed-entry.js';
import { within } from '../refuse.js';
import { digestKey, readStatement, searchKeysOf, statementKeys } from '../search-keys.js';
import { verifyOverDigest } from '../signature.js';
import { MAX_V2_ENTRY_BYTES } from './hashedrekord-0.0.2.js';
import type { RequestVerifier } from './verifier.js';

/** The entry that records `signature` of `verifier` over the envelope around `statement`. */
export function dsse002(
  statement: Statement,
  signature: Uint8Array,
  verifier: RequestVerifier,
): ProposedEntry {
  const { payloadType, payload } = statement;
  const { key, hash } = verifier;
  const payloadHash = sha256(payload);
  const about = readStatement(payloadType, payload);
  const signed = digest(hash, pae(payloadType, payload));
  const canonical = canonicalJson({
    apiVersion: '0.0.2',
    kind: 'dsse',
    spec: {
      dsseV002: {
        payloadHash: { algorithm: 'SHA2_256', digest: toBase64(payloadHash) },
        signatures: [{ content: toBase64(signature), verifier: verifier.canonical }],
      },
    },
  });
  if (canonical.length > MAX_V2_ENTRY_BYTES) {
    throw new Fault('malformed', 'entry/too-large', `an entry may have at most ${MAX_V2_ENTRY_BYTES} octets`);
  }
  return {
    kind: 'dsse',
    version: '0.0.2',
    canonical,
    searchKeys: searchKeysOf(
      ...verifier.searchKeys,
      digestKey(hash, signed),
      digestKey('sha256', payloadHash),
      ...statementKeys(about),
    ),
    facets: [ENVELOPE_FACET, ...signerFacets([verifier.signer]), ...statementFacets(about)],
    statement,
    verify: () => {
      within('entry/signature', 'verifying signature', () => {
        verifyOverDigest(key, hash, signed, signature);
      });
    },
  };
}
