/**
 * Search keys of our own, beside those of Rekor.
 *
 * Rekor's keys are texts in lower case that partly come from whoever sends the entry: a digest's algorithm, a name in a
 * certificate. Ours begin with a capital letter and are lower case behind it, so nobody's words can spell one, and no
 * search of Rekor's can find one.
 */
import { sha256 } from '#core/crypto';
import { toHex } from '#core/octets';
import type { LeafSigner } from './leaf-signer.js';

/** Of every leaf whose entry is known to be made of a DSSE envelope. */
export const ENVELOPE_FACET = 'Envelope';
/** Of every leaf whose envelope is kept. */
export const HELD_FACET = 'Held';

/** `fingerprint` is the SHA-256 of the key's SubjectPublicKeyInfo in hex. */
export function keyFacet(fingerprint: string): string {
  return `Key:${fingerprint.toLowerCase()}`;
}

export function issuerFacet(issuer: string): string {
  return `Issuer:${issuer.toLowerCase()}`;
}

/** `digest` is `<algorithm>:<value>`, as an in-toto statement names its subject. */
export function subjectFacet(digest: string): string {
  return `Subject:${digest.toLowerCase()}`;
}

export function predicateFacet(type: string): string {
  return `Predicate:${type.toLowerCase()}`;
}

export function keyFingerprint(spki: Uint8Array): string {
  return toHex(sha256(spki));
}

export function signerFacets(signers: readonly LeafSigner[]): string[] {
  return signers.flatMap(({ spki, issuer }) => [
    keyFacet(keyFingerprint(spki)),
    ...(issuer === undefined ? [] : [issuerFacet(issuer)]),
  ]);
}

export function statementFacets(about: {
  readonly subjects: readonly string[];
  readonly predicateType: string | undefined;
}): string[] {
  return [
    ...about.subjects.map(subjectFacet),
    ...(about.predicateType === undefined ? [] : [predicateFacet(about.predicateType)]),
  ];
}
