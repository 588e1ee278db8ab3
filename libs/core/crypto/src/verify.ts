import { createRequire } from 'node:module';
import { verify } from 'node:crypto';
import { Fault } from '#core/fault';
import { digest, HASH_LENGTH, type HashName } from './hash.js';
import { assertPermitted } from './profile.js';
import type { PublicKey } from './public-key.js';

interface Native {
  verifyDigest(spki: Uint8Array, hash: HashName, digest: Uint8Array, signature: Uint8Array): 1 | 0 | -1;
}
// See native/verify_digest.c for why this one operation needs OpenSSL itself.
const native = createRequire(import.meta.url)('#native/verify-digest') as Native;

function mismatch(): Fault {
  return new Fault('unverified', 'crypto/signature-mismatch', 'the signature does not verify with this key');
}

function permit(key: PublicKey): void {
  assertPermitted(key.kind === 'rsa' ? `rsa-${key.bits}` : key.kind);
}

/** Elliptic-curve keys that have verified a signature before. */
const met = new WeakSet<PublicKey>();

/**
 * Most signers' keys verify one signature ever, and Node takes as long to take in a key as OpenSSL to verify half a
 * signature. The first time goes past Node; a key that comes again (an authority's, a log's) is kept as Node's.
 */
function meetsFirst(key: PublicKey): boolean {
  if (key.kind === 'rsa' || key.kind === 'ed25519' || met.has(key)) return false;
  met.add(key);
  return true;
}

/**
 * Verifies `signature` over `message`. ECDSA signatures are DER, RSA is PKCS#1 v1.5, Ed25519 is pure;
 * `hash` defaults to the key's own.
 *
 * @throws {Fault} crypto/signature-mismatch, crypto/not-permitted
 */
export function verifySignature(
  key: PublicKey,
  message: Uint8Array,
  signature: Uint8Array,
  hash = key.hash,
): void {
  if (hash !== undefined && meetsFirst(key)) {
    verifyDigestSignature(key, hash, digest(hash, message), signature);
    return;
  }
  permit(key);
  let holds = false;
  try {
    holds = verify(key.kind === 'ed25519' ? null : (hash ?? null), message, key.handle, signature);
  } catch {
    // OpenSSL throws on signatures that do not even parse; to the caller both are the same refusal.
  }
  if (!holds) throw mismatch();
}

/**
 * Verifies `signature` over a digest computed elsewhere: ECDSA, RSA PKCS#1 v1.5, or Ed25519ph with SHA-512
 * and no context (RFC 8032 §5.1).
 *
 * @throws {Fault} crypto/signature-mismatch, crypto/digest-length, crypto/not-permitted;
 *   crypto/no-prehash for Ed25519 with another hash: the pure form cannot be checked from a digest
 */
export function verifyDigestSignature(
  key: PublicKey,
  hash: HashName,
  hashed: Uint8Array,
  signature: Uint8Array,
): void {
  permit(key);
  if (hashed.length !== HASH_LENGTH[hash]) {
    throw new Fault('malformed', 'crypto/digest-length', `a ${hash} digest has ${HASH_LENGTH[hash]} octets`);
  }
  if (key.kind === 'ed25519' && hash !== 'sha512') {
    throw new Fault(
      'refused',
      'crypto/no-prehash',
      'an Ed25519 signature over a digest is Ed25519ph, with SHA-512',
    );
  }
  if (native.verifyDigest(key.spki, hash, hashed, signature) !== 1) throw mismatch();
}
