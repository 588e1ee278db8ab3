/** Signatures of JSON Web Signatures (RFC 7518 §3, RFC 8037), by algorithms whose verifying key is not a signing key. */
import { constants, type KeyObject, type VerifyKeyObjectInput, verify } from 'node:crypto';
import { Fault } from '#core/fault';

interface Scheme {
  readonly type: 'rsa' | 'ec' | 'ed25519';
  /** OpenSSL's name for the curve of an elliptic-curve key. */
  readonly curve?: string;
  readonly hash: string | null;
  /** Absent where Node's own are meant: it takes a key alone faster. */
  readonly options?: Omit<VerifyKeyObjectInput, 'key'>;
}

/** Padding of PKCS#1 v1.5 is what an RSA key is verified with unless something else is said. */
const pkcs1 = (hash: string): Scheme => ({ type: 'rsa', hash });
/** The salt is as long as the digest (RFC 7518 §3.5). */
const pss = (hash: string): Scheme => ({
  type: 'rsa',
  hash,
  options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST },
});
/** R and S side by side, each as long as the field (RFC 7518 §3.4). */
const ecdsa = (curve: string, hash: string): Scheme => ({
  type: 'ec',
  curve,
  hash,
  options: { dsaEncoding: 'ieee-p1363' },
});
const EDDSA: Scheme = { type: 'ed25519', hash: null };

const SCHEMES: ReadonlyMap<string, Scheme> = new Map([
  ['RS256', pkcs1('sha256')],
  ['RS384', pkcs1('sha384')],
  ['RS512', pkcs1('sha512')],
  ['PS256', pss('sha256')],
  ['PS384', pss('sha384')],
  ['PS512', pss('sha512')],
  ['ES256', ecdsa('prime256v1', 'sha256')],
  ['ES384', ecdsa('secp384r1', 'sha384')],
  ['ES512', ecdsa('secp521r1', 'sha512')],
  ['EdDSA', EDDSA],
  ['Ed25519', EDDSA],
]);

/** RFC 7518 §3.3. */
const LEAST_RSA_BITS = 2048;

function fits({ type, curve }: Scheme, key: KeyObject): boolean {
  const about = key.asymmetricKeyDetails;
  if (key.type !== 'public' || key.asymmetricKeyType !== type) return false;
  if (type === 'rsa') return (about?.modulusLength ?? 0) >= LEAST_RSA_BITS;
  return curve === undefined || about?.namedCurve === curve;
}

/**
 * Verifies `signature` over the signing input (header, dot, payload, as they came) with the algorithm that the
 * header names; callers have decided that the issuer uses it.
 *
 * @throws {Fault} crypto/signature-mismatch, also for a key of another kind than the algorithm wants
 */
export function verifyJws(algorithm: string, key: KeyObject, input: Uint8Array, signature: Uint8Array): void {
  const scheme = SCHEMES.get(algorithm);
  let holds = false;
  try {
    holds =
      scheme !== undefined &&
      fits(scheme, key) &&
      verify(scheme.hash, input, scheme.options === undefined ? key : { key, ...scheme.options }, signature);
  } catch {
    // OpenSSL throws on signatures that do not even parse; to the caller both are the same refusal.
  }
  if (!holds)
    throw new Fault('unverified', 'crypto/signature-mismatch', 'the signature does not verify with this key');
}
