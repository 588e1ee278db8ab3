/**
 * Signatures as clients send them. ECDSA is DER, or r and s one after the other (IEEE P1363), which some
 * PKCS#11 and web signers produce and Rekor accepts; it is logged as it came.
 */
import { verifyDigestSignature, verifySignature, type HashName, type PublicKey } from '#core/crypto';
import { ecdsaRawToDer } from '#core/der';
import { Fault, isFault } from '#core/fault';

function inDer(key: PublicKey, signature: Uint8Array): Uint8Array | undefined {
  const isEcdsa = key.kind === 'ec-p256' || key.kind === 'ec-p384' || key.kind === 'ec-p521';
  if (!isEcdsa || signature.length !== 2 * Math.ceil(key.bits / 8)) return undefined;
  try {
    return ecdsaRawToDer(signature);
  } catch (error) {
    if (isFault(error)) return undefined;
    throw error;
  }
}

/** Tries the signature as it is, then, if that fails and its length allows, as r and s. */
function inEitherForm(key: PublicKey, signature: Uint8Array, check: (signature: Uint8Array) => void): void {
  try {
    check(signature);
  } catch (error) {
    const other = inDer(key, signature);
    if (!(error instanceof Fault) || error.code !== 'crypto/signature-mismatch' || other === undefined)
      throw error;
    check(other);
  }
}

/** @throws {Fault} crypto/… */
export function verifyOverDigest(
  key: PublicKey,
  hash: HashName,
  digest: Uint8Array,
  signature: Uint8Array,
): void {
  inEitherForm(key, signature, (one) => verifyDigestSignature(key, hash, digest, one));
}

/** Over the message itself; Ed25519 is pure here, and takes no hash. @throws {Fault} crypto/… */
export function verifyOverMessage(
  key: PublicKey,
  hash: HashName,
  message: Uint8Array,
  signature: Uint8Array,
): void {
  inEitherForm(key, signature, (one) => verifySignature(key, message, one, hash));
}
