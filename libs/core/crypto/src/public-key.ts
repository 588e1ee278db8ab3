/**
 * Public keys as SubjectPublicKeyInfo, in the one spelling that DER allows.
 *
 * A log that stored two spellings of one key would count one signer twice, so a key whose bytes are not
 * what we would write ourselves is refused instead of being normalised.
 */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { Fault } from '#core/fault';
import { equalOctets, fromHex, toHex } from '#core/octets';
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
 * coordinates at full length. There is no other canonical spelling.
 */
const SHAPES: readonly Shape[] = [
  {
    prefix: fromHex('3059301306072a8648ce3d020106082a8648ce3d03010703420004'),
    coordinate: 32,
    curve: 'prime256v1',
    p: 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n,
    b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
  },
  {
    prefix: fromHex('3076301006072a8648ce3d020106052b8104002203620004'),
    coordinate: 48,
    curve: 'secp384r1',
    p: 2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n,
    b: 0xb3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aefn,
  },
];

interface Shape {
  readonly prefix: Uint8Array;
  /** Octets of one coordinate. */
  readonly coordinate: number;
  readonly curve: string;
  /** y² = x³ - 3x + b over the field of p (FIPS 186-5 names SP 800-186 §3.2.1 for them). */
  readonly p: bigint;
  readonly b: bigint;
}

/**
 * The curve of a key in that spelling whose point lies on it, at a tenth of what reading it into OpenSSL costs.
 *
 * These curves have no small subgroups, so this is the whole validation of a public key (SEC 1 §3.2.2.1). It only
 * spares keys that are looked at and never used: OpenSSL checks again before it uses one.
 */
function curveOf(spki: Uint8Array): Curve | undefined {
  const shape = SHAPES.find(
    ({ prefix, coordinate }) =>
      spki.length === prefix.length + 2 * coordinate && equalOctets(spki.subarray(0, prefix.length), prefix),
  );
  if (shape === undefined) return undefined;
  const { prefix, coordinate, p, b } = shape;
  const at = (start: number): bigint => BigInt(`0x${toHex(spki.subarray(start, start + coordinate))}`);
  const [x, y] = [at(prefix.length), at(prefix.length + coordinate)];
  if (x >= p || y >= p || (y * y - (x * x - 3n) * x - b) % p !== 0n) return undefined;
  return CURVES[shape.curve];
}

function toHandle(spki: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
}

/** An elliptic-curve key that OpenSSL has not seen yet. */
function unseen([kind, bits, hash, details]: Curve, spki: Uint8Array): PublicKey {
  let handle: KeyObject | undefined;
  return {
    spki,
    kind,
    bits,
    hash,
    details,
    get handle() {
      return (handle ??= toHandle(spki));
    },
  };
}

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
  const curve = curveOf(spki);
  if (curve !== undefined) return unseen(curve, new Uint8Array(spki));
  let handle: KeyObject;
  let canonical: Uint8Array;
  try {
    handle = toHandle(spki);
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
