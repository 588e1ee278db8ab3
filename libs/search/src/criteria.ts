/**
 * What may be asked of the logs, and the index keys it comes to.
 *
 * All of it must hold at once. Identities, issuers and types are compared without regard to case, as the index files
 * them. Identity, issuer and key must hold of one and the same signer.
 */
import { sha256 } from '#core/crypto';
import {
  issuerFacet,
  keyFacet,
  keyFingerprint,
  predicateFacet,
  readPemVerifier,
  subjectFacet,
  type LeafFacts,
} from '#core/entry';
import { Fault, isFault } from '#core/fault';
import { fromBase64, fromUtf8, toHex } from '#core/octets';
import { formatPem } from '#core/pem';
import type { Face } from '#log';

export interface Criteria {
  /** `<algorithm>:<hex>` that the entry itself carries: of an artifact, or of what an envelope signs. */
  readonly digest?: string | undefined;
  /** An alternative name of the certificate. */
  readonly identity?: string | undefined;
  /** Who vouched for it. */
  readonly issuer?: string | undefined;
  /** Hex SHA-256 of the signer's SubjectPublicKeyInfo. */
  readonly key?: string | undefined;
  /** `<algorithm>:<value>` of a subject of the statement. */
  readonly subject?: string | undefined;
  readonly predicate?: string | undefined;
  /** Inclusive. */
  readonly fromMs?: number | undefined;
  /** Exclusive. */
  readonly toMs?: number | undefined;
  readonly face?: Face | undefined;
  /** Name of one tree. */
  readonly tree?: string | undefined;
}

const ALGORITHM_OF_LENGTH: ReadonlyMap<number, string> = new Map([
  [40, 'sha1'],
  [64, 'sha256'],
  [96, 'sha384'],
  [128, 'sha512'],
]);

function malformed(what: string): Fault {
  return new Fault('malformed', 'search/malformed', what);
}

/** A digest as it is asked for: bare hexadecimal digits are named by their length. @throws {Fault} search/malformed */
export function readDigest(text: string, what: string): string {
  const lower = text.toLowerCase();
  if (/^[0-9a-f]+$/.test(lower)) {
    const algorithm = ALGORITHM_OF_LENGTH.get(lower.length);
    if (algorithm !== undefined) return `${algorithm}:${lower}`;
  }
  if (/^[^:]+:./.test(lower)) return lower;
  throw malformed(`${what} is <algorithm>:<value>, or the hexadecimal digits of a SHA-1 or SHA-2 hash`);
}

/**
 * A key as it is asked for: the SHA-256 of its SubjectPublicKeyInfo in hex, the SubjectPublicKeyInfo in base64, or a
 * public key or certificate in PEM.
 *
 * @throws {Fault} search/malformed
 */
export function readKey(text: string): string {
  const lower = text.toLowerCase().replaceAll(':', '');
  if (/^[0-9a-f]{64}$/.test(lower)) return lower;
  try {
    const pem = text.includes('-----BEGIN') ? text : formatPem('PUBLIC KEY', fromBase64(text));
    return keyFingerprint(readPemVerifier(fromUtf8(pem)).key.spki);
  } catch (error) {
    if (!isFault(error)) throw error;
    throw malformed(
      'key is a public key or certificate in PEM, its SubjectPublicKeyInfo in base64, or the SHA-256 of that in hex',
    );
  }
}

/** The keys that a leaf must stand under; the rarest, as far as one can tell, goes first. */
export function indexKeys(criteria: Criteria): string[] {
  const { digest, identity, issuer, key, subject, predicate } = criteria;
  return [
    ...(subject === undefined ? [] : [subjectFacet(subject)]),
    ...(digest === undefined ? [] : [digest.toLowerCase()]),
    ...(key === undefined ? [] : [keyFacet(key)]),
    ...(identity === undefined ? [] : [identity.toLowerCase()]),
    ...(predicate === undefined ? [] : [predicateFacet(predicate)]),
    ...(issuer === undefined ? [] : [issuerFacet(issuer)]),
  ];
}

/**
 * Whether the leaf is what was asked for. The index files digests and names in one space, and some of them are the
 * words of whoever sent the entry, so what it finds is held against the leaf itself.
 */
export function meets(leaf: LeafFacts, { digest, identity, issuer, key }: Criteria): boolean {
  if (digest !== undefined && !leaf.digests.includes(digest.toLowerCase())) return false;
  return leaf.signers.some(
    (signer) =>
      (identity === undefined ||
        signer.identities.some((name) => name.toLowerCase() === identity.toLowerCase())) &&
      (issuer === undefined || signer.issuer?.toLowerCase() === issuer.toLowerCase()) &&
      (key === undefined || keyFingerprint(signer.spki) === key),
  );
}

/** Tells one question from another. */
export function questionId(criteria: Criteria): string {
  const told = Object.entries(criteria)
    .filter(([, value]) => value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return toHex(sha256(fromUtf8(JSON.stringify(told)))).slice(0, 16);
}
