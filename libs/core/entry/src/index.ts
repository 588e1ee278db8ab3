/**
 * What a log entry is: the octets that become a leaf, how they follow from what a client sends, what must
 * hold before they may, and under which keys the entry can be found again.
 *
 * Two faces, one registry each (CONTRACTS §3.9 and §4.2): `readV1Entry` for Rekor's v1 kinds, `readV2Entry`
 * for v2 requests. Reading checks the shape and makes the canonical octets; signatures are checked by
 * `verify()`, apart, because it costs processor time and belongs in a worker thread. An entry must not be
 * appended before `verify()` has returned.
 */
export type { Attestation, LeafContent, LeafSignature, ProposedEntry, Statement } from './proposed-entry.js';
export { candidateKeys, paeOf, readDeposit, readKept, vouchedFor, type Deposit } from './deposit.js';
export {
  HELD_FACET,
  ENVELOPE_FACET,
  issuerFacet,
  keyFacet,
  keyFingerprint,
  predicateFacet,
  subjectFacet,
} from './facets.js';
export { indexKeysOf, readLeaf, type LeafFacts } from './leaf-facts.js';
export { oidcIssuer, type LeafSigner } from './leaf-signer.js';
export { readStatement, type StatementFacts } from './search-keys.js';
export { canonicaliseV1, readV1Entry } from './v1/read.js';
export { MAX_V2_ENTRY_BYTES, readV2Entry, type V2Options } from './v2/read.js';
export { pae } from './pae.js';
export { readPemVerifier, type PemVerifier } from './pem-verifier.js';
