/**
 * Between the token's spellings and X.509's: public points, moduli and raw signatures on one side,
 * SubjectPublicKeyInfo, DigestInfo and ECDSA-Sig-Value on the other.
 */
import {
  bitString,
  ecdsaRawToDer,
  nullValue,
  objectIdentifier,
  octetString,
  sequence,
  unsignedInteger,
} from '#core/der';
import { Fault } from '#core/fault';
import { concat, equalOctets } from '#core/octets';
import { ALGORITHMS, CKK, type AlgorithmFacts } from './algorithms.js';

const ID_EC_PUBLIC_KEY = '1.2.840.10045.2.1';
const RSA_ENCRYPTION = '1.2.840.113549.1.1.1';

/** Which algorithm of the port a key is for; `undefined` for keys that nobody here uses. */
export function algorithmOf(
  keyType: number,
  curve: Uint8Array | undefined,
  modulus: Uint8Array | undefined,
): AlgorithmFacts | undefined {
  return ALGORITHMS.find((facts) => {
    if (facts.keyType !== keyType) return false;
    if (keyType === CKK.rsa) return modulus !== undefined && bitLength(modulus) === facts.bits;
    return curve !== undefined && facts.curve.some((known) => equalOctets(known, curve));
  });
}

function trimmed(integer: Uint8Array): Uint8Array {
  const start = integer.findIndex((byte) => byte !== 0);
  return start < 0 ? new Uint8Array(1) : integer.subarray(start);
}

function bitLength(integer: Uint8Array): number {
  const digits = trimmed(integer);
  return digits.length * 8 - Math.clz32(digits[0] ?? 0) + 24;
}

/**
 * The public point without its wrapping. PKCS#11 says that CKA_EC_POINT holds a DER OCTET STRING; some
 * tokens give the bare point, and for Edwards curves some give a BIT STRING.
 *
 * @throws {Fault} hsm/public-key
 */
export function barePoint(value: Uint8Array, facts: AlgorithmFacts): Uint8Array {
  const size = facts.keyType === CKK.edwards ? 32 : 1 + facts.bits / 4;
  if (value.length === size) return value;
  const content = value.subarray(value.length - size);
  const wrapped = [octetString(content), bitString(content)];
  if (value.length > size && wrapped.some((known) => equalOctets(known, value))) return content;
  throw new Fault(
    'corrupt',
    'hsm/public-key',
    'the token gives a public point of a shape that does not belong to its curve',
  );
}

/** SubjectPublicKeyInfo of a point (RFC 5480 §2, RFC 8410 §4). */
export function pointToSpki(value: Uint8Array, facts: AlgorithmFacts): Uint8Array {
  const point = barePoint(value, facts);
  const oid = objectIdentifier(facts.curveOid ?? '');
  const algorithm =
    facts.keyType === CKK.edwards ? sequence(oid) : sequence(objectIdentifier(ID_EC_PUBLIC_KEY), oid);
  return sequence(algorithm, bitString(point));
}

/** SubjectPublicKeyInfo of an RSA key (RFC 3279 §2.3.1). */
export function modulusToSpki(modulus: Uint8Array, exponent: Uint8Array): Uint8Array {
  const key = sequence(unsignedInteger(trimmed(modulus)), unsignedInteger(trimmed(exponent)));
  return sequence(sequence(objectIdentifier(RSA_ENCRYPTION), nullValue()), bitString(key));
}

const SHA256_ALGORITHM = sequence(objectIdentifier('2.16.840.1.101.3.4.2.1'), nullValue());

/** What CKM_RSA_PKCS pads and signs (RFC 8017 §9.2 step 2). */
export function digestInfo(digest: Uint8Array): Uint8Array {
  return sequence(SHA256_ALGORITHM, octetString(digest));
}

/**
 * The signature as X.509 spells it. Some tokens leave out leading zeros of RSA signatures; ECDSA
 * halves have fixed width.
 *
 * @throws {Fault} hsm/garbage when it cannot be a signature of this algorithm at all
 */
export function signatureFromToken(raw: Uint8Array, facts: AlgorithmFacts): Uint8Array {
  if (facts.keyType === CKK.rsa && raw.length < facts.signatureBytes) {
    return concat(new Uint8Array(facts.signatureBytes - raw.length), raw);
  }
  if (raw.length !== facts.signatureBytes) throw garbage();
  if (facts.keyType !== CKK.ec) return raw;
  try {
    return ecdsaRawToDer(raw);
  } catch (cause) {
    throw garbage(cause);
  }
}

export function garbage(cause?: unknown): Fault {
  return new Fault(
    'corrupt',
    'hsm/garbage',
    'the token made a signature that does not verify; it was thrown away; stop using the token and run `airseal hsm doctor`',
    { cause, detail: { ckr: 'garbage' } },
  );
}
