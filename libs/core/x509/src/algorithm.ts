/**
 * Signature algorithms as X.509 and CMS name them.
 *
 * ECDSA and Ed25519 have no parameters, RSA has an explicit NULL (RFC 5758 §3.2, RFC 8410 §3, RFC 4055 §5);
 * other spellings of the same algorithm exist in the wild and are not accepted here.
 */
import { nullValue, objectIdentifier, sequence } from '#core/der';
import { type HashName, type KeyKind, type PublicKey, verifySignature } from '#core/crypto';
import { Fault } from '#core/fault';
import { equalOctets } from '#core/octets';

/** The same names as a Signer's `algorithm`. */
export type SignatureAlgorithm =
  | 'ecdsa-p256-sha256'
  | 'ecdsa-p384-sha384'
  | 'rsa-2048-sha256'
  | 'rsa-3072-sha256'
  | 'rsa-4096-sha256'
  | 'ed25519';

const ECDSA_SHA256 = sequence(objectIdentifier('1.2.840.10045.4.3.2'));
const ECDSA_SHA384 = sequence(objectIdentifier('1.2.840.10045.4.3.3'));
const ECDSA_SHA512 = sequence(objectIdentifier('1.2.840.10045.4.3.4'));
const RSA_SHA256 = sequence(objectIdentifier('1.2.840.113549.1.1.11'), nullValue());
const RSA_SHA384 = sequence(objectIdentifier('1.2.840.113549.1.1.12'), nullValue());
const RSA_SHA512 = sequence(objectIdentifier('1.2.840.113549.1.1.13'), nullValue());
const ED25519 = sequence(objectIdentifier('1.3.101.112'));

const IDENTIFIERS: Readonly<Record<SignatureAlgorithm, Uint8Array>> = {
  'ecdsa-p256-sha256': ECDSA_SHA256,
  'ecdsa-p384-sha384': ECDSA_SHA384,
  'rsa-2048-sha256': RSA_SHA256,
  'rsa-3072-sha256': RSA_SHA256,
  'rsa-4096-sha256': RSA_SHA256,
  ed25519: ED25519,
};

/** AlgorithmIdentifier, DER, of signatures by a key of this kind. */
export function algorithmIdentifier(name: SignatureAlgorithm): Uint8Array {
  return IDENTIFIERS[name];
}

export interface SignatureScheme {
  readonly family: 'ecdsa' | 'rsa' | 'ed25519';
  /** `undefined` for Ed25519, which hashes by itself. */
  readonly hash: HashName | undefined;
}

const SCHEMES: readonly (readonly [Uint8Array, SignatureScheme])[] = [
  [ECDSA_SHA256, { family: 'ecdsa', hash: 'sha256' }],
  [ECDSA_SHA384, { family: 'ecdsa', hash: 'sha384' }],
  [ECDSA_SHA512, { family: 'ecdsa', hash: 'sha512' }],
  [RSA_SHA256, { family: 'rsa', hash: 'sha256' }],
  [RSA_SHA384, { family: 'rsa', hash: 'sha384' }],
  [RSA_SHA512, { family: 'rsa', hash: 'sha512' }],
  [ED25519, { family: 'ed25519', hash: undefined }],
];

/** What an AlgorithmIdentifier means, or `undefined` if it is none that we use, spelled as we spell it. */
export function signatureScheme(identifier: Uint8Array): SignatureScheme | undefined {
  return SCHEMES.find(([known]) => equalOctets(known, identifier))?.[1];
}

function familyOf(kind: KeyKind): SignatureScheme['family'] {
  return kind === 'rsa' || kind === 'ed25519' ? kind : 'ecdsa';
}

/** Whether the scheme is the one that belongs to this key: its family, and the hash of its curve. */
export function schemeFits(scheme: SignatureScheme, key: PublicKey): boolean {
  return scheme.family === familyOf(key.kind) && scheme.hash === key.hash;
}

/**
 * Verifies a signature whose algorithm a structure names itself.
 *
 * @throws {Fault} x509/algorithm if the algorithm is unknown or of another family than the key;
 *   crypto/signature-mismatch, crypto/not-permitted
 */
export function verifyWithAlgorithm(
  key: PublicKey,
  identifier: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): void {
  const scheme = signatureScheme(identifier);
  if (scheme === undefined || scheme.family !== familyOf(key.kind)) {
    throw new Fault(
      'refused',
      'x509/algorithm',
      'sign with ECDSA, RSA PKCS#1 v1.5 or Ed25519 and SHA-256, -384 or -512',
    );
  }
  verifySignature(key, message, signature, scheme.hash);
}
