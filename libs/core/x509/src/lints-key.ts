/**
 * Group K: keys and signatures.
 *
 * CEREMONY K6 (child and parent use one scheme) has no row of its own: K1 allows nothing but ECDSA on every
 * certificate that signs another, and K5 ties the hash to the curve.
 */
import { type DerReader, readSequence } from '#core/der';
import type { KeyKind } from '#core/crypto';
import { equalOctets, toHex } from '#core/octets';
import { schemeFits, verifyWithAlgorithm } from './algorithm.js';
import { parseSpki } from './extension.js';
import { attempt, type Lint, type LintRole } from './lint-subject.js';

const CURVES: readonly KeyKind[] = ['ec-p256', 'ec-p384'];
const SIGNERS: readonly KeyKind[] = ['ec-p256', 'ec-p384', 'ec-p521', 'rsa', 'ed25519'];

/** CONTRACTS §0.4: what every client verifies in this place. */
const KINDS: Readonly<Record<LintRole, readonly KeyKind[]>> = {
  'code-root': CURVES,
  'time-root': CURVES,
  'code-intermediate': CURVES,
  'tsa-intermediate': CURVES,
  'tsa-leaf': ['ec-p256'],
  precertificate: SIGNERS,
  'code-leaf': SIGNERS,
};

export const KEY_LINTS: readonly Lint[] = [
  {
    id: 'K1',
    severity: 'error',
    description: 'the key is of a kind that every client verifies in this role',
    citation: 'CONTRACTS §0.4',
    check: ({ key, role }) =>
      key === undefined || KINDS[role].includes(key.kind)
        ? undefined
        : `a ${role} cannot have a key of kind ${key.kind}`,
  },
  {
    id: 'K2',
    severity: 'error',
    description: 'an RSA key has 2048, 3072 or 4096 bits, the exponent 65537 and no known weakness',
    citation: 'SP 800-89 §5.3.3; CONTRACTS §1.4; CVE-2017-15361',
    check: ({ key, tbs }) => (key?.kind === 'rsa' ? attempt(() => weaknessOf(tbs.spki)) : undefined),
  },
  {
    id: 'K3',
    severity: 'error',
    description: 'the key is a canonical SubjectPublicKeyInfo whose point lies on its curve',
    citation: 'RFC 5480 §2; RFC 8017 appendix A.1',
    check: ({ key }) => (key === undefined ? 'the public key cannot be read' : undefined),
  },
  {
    id: 'K4',
    severity: 'error',
    description: 'the signature algorithm is one of ours, in its only spelling',
    citation: 'RFC 5280 §4.1.1.2; RFC 5758 §3.2',
    check: ({ scheme }) =>
      scheme === undefined ? 'the signature algorithm is unknown or misspelt' : undefined,
  },
  {
    id: 'K5',
    severity: 'error',
    description: "the signature algorithm is the one of the issuer's key, with the hash of its curve",
    citation: 'CEREMONY K5; FIPS 186-5 §6.1.1',
    check: ({ scheme, issuerKey }) =>
      scheme !== undefined && issuerKey !== undefined && !schemeFits(scheme, issuerKey)
        ? `a key of kind ${issuerKey.kind} does not sign with ${scheme.family} and ${scheme.hash ?? 'no hash'}`
        : undefined,
  },
  {
    id: 'K7',
    severity: 'error',
    description: 'the key has no other role and no earlier life',
    citation: 'CEREMONY K7',
    check: ({ tbs, context, isLeaf, issuer, isRoot }) => {
      if (context.otherKeys?.has(toHex(tbs.spki)) === true) return 'the key is used elsewhere';
      return !isRoot && !isLeaf && equalOctets(tbs.spki, issuer.spki)
        ? "the key is the issuer's own"
        : undefined;
    },
  },
  {
    id: 'K8',
    severity: 'error',
    description: "the signature verifies with the issuer's key",
    citation: 'RFC 5280 §6.1.3',
    check: ({ signed, issuerKey, scheme }) => {
      if (signed === undefined || issuerKey === undefined || scheme === undefined) return undefined;
      const verified = attempt(() => {
        verifyWithAlgorithm(issuerKey, signed.signatureAlgorithm, signed.tbs, signed.signature);
        return true;
      });
      return verified === true ? undefined : 'the signature does not verify';
    },
  },
];

const SMALL_PRIMES = [
  3n,
  5n,
  7n,
  11n,
  13n,
  17n,
  19n,
  23n,
  29n,
  31n,
  37n,
  41n,
  43n,
  47n,
  53n,
  59n,
  61n,
  67n,
  71n,
  73n,
];

function weaknessOf(spki: Uint8Array): string | undefined {
  return readSequence(parseSpki(spki).bits, (members: DerReader) => {
    const [modulus, exponent] = [members.integer(), members.integer()];
    const bits = modulus.toString(2).length;
    if (bits !== 2048 && bits !== 3072 && bits !== 4096) return `the RSA modulus has ${bits} bits`;
    if (exponent !== 65_537n) return 'the RSA exponent is not 65537';
    if (modulus % 2n === 0n || SMALL_PRIMES.some((prime) => modulus % prime === 0n))
      return 'the RSA modulus has a small factor';
    if (hasRocaFingerprint(modulus)) return 'the RSA key was made by a generator with a known weakness';
    return hasClosePrimes(modulus) ? 'the factors of the RSA modulus are too close' : undefined;
  });
}

/** Infineon's generator made primes that are powers of 65537 modulo many small primes (CVE-2017-15361). */
function hasRocaFingerprint(modulus: bigint): boolean {
  return [11n, 13n, 17n, 19n, 37n, 53n, 61n, 71n, 73n, 79n, 97n, 103n, 107n, 109n, 127n, 151n, 157n].every(
    (prime) => {
      const residue = modulus % prime;
      let power = 1n;
      do {
        if (power === residue) return true;
        power = (power * 65_537n) % prime;
      } while (power !== 1n);
      return false;
    },
  );
}

/** A hundred rounds of Fermat's method: finds factors whose upper halves agree. */
function hasClosePrimes(modulus: bigint): boolean {
  let a = squareRoot(modulus);
  if (a * a < modulus) a++;
  for (let round = 0; round < 100; round++, a++) {
    const rest = a * a - modulus;
    // Squares end in 0, 1, 4 or 9 in base 16; this spares most of the roots.
    if ([0n, 1n, 4n, 9n].includes(rest & 15n) && squareRoot(rest) ** 2n === rest) return true;
  }
  return false;
}

/** Floor of the square root (Newton). */
function squareRoot(value: bigint): bigint {
  if (value < 2n) return value;
  let guess = 1n << BigInt((value.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (guess + value / guess) >> 1n;
    if (next >= guess) return guess;
    guess = next;
  }
}
