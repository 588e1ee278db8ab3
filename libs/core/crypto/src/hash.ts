import { createHash, hash } from 'node:crypto';

export type HashName = 'sha256' | 'sha384' | 'sha512';

export const HASH_LENGTH: Readonly<Record<HashName, number>> = { sha256: 32, sha384: 48, sha512: 64 };

/** Hash of the concatenation of `parts` (FIPS 180-4). */
export function digest(name: HashName, ...parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  // The one-shot call is twice as fast for the short inputs that Merkle nodes are.
  if (parts.length === 1 && only !== undefined) return hash(name, only, 'buffer');
  const state = createHash(name);
  for (const part of parts) state.update(part);
  return state.digest();
}

export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  return digest('sha256', ...parts);
}

export function sha384(...parts: readonly Uint8Array[]): Uint8Array {
  return digest('sha384', ...parts);
}

export function sha512(...parts: readonly Uint8Array[]): Uint8Array {
  return digest('sha512', ...parts);
}

/**
 * The 20 octets that name a key in SubjectKeyIdentifier (RFC 5280 §4.2.1.2, method 1): SHA-1 of the
 * subjectPublicKey bits. A name only; nothing is secured by it, which is why SHA-1 is tolerable, also under
 * the FIPS profile (SP 800-131A allows it outside signatures).
 */
export function keyIdentifier(subjectPublicKeyBits: Uint8Array): Uint8Array {
  return createHash('sha1').update(subjectPublicKeyBits).digest();
}
