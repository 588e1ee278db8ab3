/**
 * Public keys as SubjectPublicKeyInfo, in the one spelling that DER allows.
 *
 * A log that stored two spellings of one key would count one signer twice, so a key whose bytes are not
 * what we would write ourselves is refused instead of being normalised.
 */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { Fault } from '#core/fault';
import { equalOctets } from '#core/octets';
import type { HashName } from './hash.js';

export type KeyKind = 'ec-p256' | 'ec-p384' | 'ec-p521' | 'rsa' | 'ed25519';

/** Names of sigstore's `PublicKeyDetails` (CONTRACTS §6.3) that a signer may use. */
export type KeyDetails =
  | 'PKIX_ECDSA_P256_SHA_256'
  | 'PKIX_ECDSA_P384_SHA_384'
  | 'PKIX_ECDSA_P521_SHA_512'
  | 'PKIX_RSA_PKCS1V15_2048_SHA256'
  | 'PKIX_RSA_PKCS1V15_3072_SHA256'
  | 'PKIX_RSA_PKCS1V15_4096_SHA256'
  | 'PKIX_ED25519';

export interface PublicKey {
  /** SubjectPublicKeyInfo, canonical DER. */
  readonly spki: Uint8Array;
  readonly kind: KeyKind;
  /** Field or modulus size in bits. */
  readonly bits: number;
  /** Hash that goes with this key by default; `undefined` for Ed25519, which hashes by itself. */
  readonly hash: HashName | undefined;
  /** Default algorithm name of the key; `undefined` for RSA sizes that nobody may use. */
  readonly details: KeyDetails | undefined;
  /** For node:crypto calls inside the front door. */
  readonly handle: KeyObject;
}

const CURVES: Readonly<Record<string, readonly [KeyKind, number, HashName, KeyDetails]>> = {
  prime256v1: ['ec-p256', 256, 'sha256', 'PKIX_ECDSA_P256_SHA_256'],
  secp384r1: ['ec-p384', 384, 'sha384', 'PKIX_ECDSA_P384_SHA_384'],
  secp521r1: ['ec-p521', 521, 'sha512', 'PKIX_ECDSA_P521_SHA_512'],
};

const RSA_DETAILS: Readonly<Record<number, KeyDetails>> = {
  2048: 'PKIX_RSA_PKCS1V15_2048_SHA256',
  3072: 'PKIX_RSA_PKCS1V15_3072_SHA256',
  4096: 'PKIX_RSA_PKCS1V15_4096_SHA256',
};

function describe(handle: KeyObject, spki: Uint8Array): PublicKey {
  const { asymmetricKeyType: type, asymmetricKeyDetails: about } = handle;
  if (type === 'ec') {
    const curve = CURVES[about?.namedCurve ?? ''];
    if (curve !== undefined) {
      const [kind, bits, hash, details] = curve;
      return { spki, kind, bits, hash, details, handle };
    }
  }
  if (type === 'rsa' && about?.modulusLength !== undefined) {
    const bits = about.modulusLength;
    return { spki, kind: 'rsa', bits, hash: 'sha256', details: RSA_DETAILS[bits], handle };
  }
  if (type === 'ed25519') {
    return { spki, kind: 'ed25519', bits: 256, hash: undefined, details: 'PKIX_ED25519', handle };
  }
  throw new Fault(
    'refused',
    'crypto/key-type',
    'use an ECDSA P-256, P-384 or P-521, an RSA or an Ed25519 key',
  );
}

/**
 * @throws {Fault} crypto/key-malformed if `spki` is not one canonical SubjectPublicKeyInfo,
 *   crypto/key-type if it holds a key of a kind nobody here uses
 */
export function parsePublicKey(spki: Uint8Array): PublicKey {
  let handle: KeyObject;
  let canonical: Uint8Array;
  try {
    handle = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
    canonical = new Uint8Array(handle.export({ format: 'der', type: 'spki' }));
  } catch (cause) {
    throw new Fault('malformed', 'crypto/key-malformed', 'the public key is not a DER SubjectPublicKeyInfo', {
      cause,
    });
  }
  const key = describe(handle, canonical);
  if (!equalOctets(canonical, spki)) {
    throw new Fault(
      'malformed',
      'crypto/key-malformed',
      'the public key is not in its canonical DER spelling',
    );
  }
  return key;
}

/**
 * Reads a PEM public key: `PUBLIC KEY` (SubjectPublicKeyInfo) or `RSA PUBLIC KEY` (PKCS#1). The canonical
 * SubjectPublicKeyInfo is in the result.
 *
 * @throws {Fault} crypto/key-malformed
 */
export function publicKeyFromPem(pem: string): PublicKey {
  let handle: KeyObject;
  try {
    // createPublicKey would also accept a private key and derive the public half from it: a secret that
    // somebody sent by mistake must be refused, not used.
    if (pem.includes('PRIVATE KEY')) throw new TypeError('a private key was given');
    handle = createPublicKey({ key: pem, format: 'pem' });
  } catch (cause) {
    throw new Fault('malformed', 'crypto/key-malformed', 'the public key is not a PEM public key', { cause });
  }
  return describe(handle, new Uint8Array(handle.export({ format: 'der', type: 'spki' })));
}
