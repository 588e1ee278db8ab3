/**
 * Public keys as SubjectPublicKeyInfo, in the one spelling that DER allows.
 *
 * A log that stored two spellings of one key would count one signer twice, so a key whose bytes are not
 * what we would write ourselves is refused instead of being normalised.
 */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { Fault } from '#core/fault';
import { equalOctets, fromHex } from '#core/octets';
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

type Curve = readonly [KeyKind, number, HashName, KeyDetails];

const CURVES: Readonly<Record<string, Curve>> = {
  prime256v1: ['ec-p256', 256, 'sha256', 'PKIX_ECDSA_P256_SHA_256'],
  secp384r1: ['ec-p384', 384, 'sha384', 'PKIX_ECDSA_P384_SHA_384'],
  secp521r1: ['ec-p521', 521, 'sha512', 'PKIX_ECDSA_P521_SHA_512'],
};

const RSA_DETAILS: Readonly<Record<number, KeyDetails>> = {
  2048: 'PKIX_RSA_PKCS1V15_2048_SHA256',
  3072: 'PKIX_RSA_PKCS1V15_3072_SHA256',
  4096: 'PKIX_RSA_PKCS1V15_4096_SHA256',
};

/**
 * SubjectPublicKeyInfo of a named curve with an uncompressed point (RFC 5480 §2): these octets, then both
 * coordinates at full length. There is no other canonical spelling, and nothing else begins like this.
 */
const UNCOMPRESSED: readonly { readonly prefix: Uint8Array; readonly length: number; readonly curve: string }[] = [
  { prefix: fromHex('3059301306072a8648ce3d020106082a8648ce3d03010703420004'), length: 91, curve: 'prime256v1' },
  { prefix: fromHex('3076301006072a8648ce3d020106052b8104002203620004'), length: 120, curve: 'secp384r1' },
  { prefix: fromHex('30819b301006072a8648ce3d020106052b810400230381860004'), length: 158, curve: 'secp521r1' },
];

/** The curve of a key that is canonical by its shape alone, so that nothing need be written back to compare it. */
function curveByShape(spki: Uint8Array): string | undefined {
  return UNCOMPRESSED.find(
    ({ prefix, length }) => spki.length === length && equalOctets(spki.subarray(0, prefix.length), prefix),
  )?.curve;
}

function ecKey([kind, bits, hash, details]: Curve, spki: Uint8Array, handle: KeyObject): PublicKey {
  return { spki, kind, bits, hash, details, handle };
}

function describe(handle: KeyObject, spki: Uint8Array): PublicKey {
  const { asymmetricKeyType: type, asymmetricKeyDetails: about } = handle;
  if (type === 'ec') {
    const curve = CURVES[about?.namedCurve ?? ''];
    if (curve !== undefined) return ecKey(curve, spki, handle);
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
    // Refuses points that are not on their curve, whatever the shape.
    handle = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
    const curve = CURVES[curveByShape(spki) ?? ''];
    if (curve !== undefined) return ecKey(curve, new Uint8Array(spki), handle);
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
