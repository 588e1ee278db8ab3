/**
 * The port through which every signature that a verifier relies on is made.
 *
 * Whoever holds a Signer can ask for signatures with one key and one purpose; it cannot choose the key,
 * see a PIN or reach the token. "May I sign?" is answered on the other side.
 */
import type { Head, SignedBefore } from './heads.js';

export type KeyAlgorithm =
  | 'ecdsa-p256-sha256'
  | 'ecdsa-p384-sha384'
  | 'rsa-2048-sha256'
  | 'rsa-3072-sha256'
  | 'rsa-4096-sha256'
  | 'ed25519';

export interface Signer {
  /** RFC 7512 URI without PIN attributes, e.g. `pkcs11:token=airseal-online;object=rekor-v1`. */
  readonly uri: string;
  readonly algorithm: KeyAlgorithm;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  /**
   * Signs `message` (hashed in software with the algorithm's own hash, then signed in the token).
   *
   * Resolves to the signature as X.509 spells it: DER `ECDSA-Sig-Value` for ECDSA, PKCS#1 v1.5 for RSA,
   * 64 raw octets for Ed25519. Implementations must have verified it against `spki` before they resolve.
   *
   * @throws {Fault} hsm/… of kind `unavailable` when the token cannot sign now
   */
  sign(message: Uint8Array): Promise<Uint8Array>;
  /**
   * Says that a signature was made which will stand in no book, because the book could not be written: so that it is
   * counted as such. Nothing is signed or taken back by it.
   */
  abandoned?(): void;
}

/**
 * A signer for the heads of one tree and for nothing else. It signs none that is smaller than, or another than,
 * what was signed before, and none before it was told which head the database has; a new agent is told again.
 */
export interface HeadSigner extends Signer {
  /** Says which head the database has, and hears what was signed before. */
  announce(head: Head): Promise<SignedBefore>;
  /**
   * Begins this host's signing journal at a head that an operator vouches for.
   *
   * @throws {Fault} hsm/journal-exists
   */
  adopt(head: Head): Promise<void>;
}
