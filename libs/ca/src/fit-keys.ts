/**
 * Which public keys may go into a certificate (CONTRACTS §1.4): ECDSA on P-256, P-384, P-521; RSA of exactly
 * 2048, 3072 or 4096 bits; Ed25519.
 *
 * RSA keys are tried for the weaknesses that have been found in the wild, since a weak key lets others sign as this
 * identity: an unusual exponent, a small factor, two factors close together (Fermat), and the generator flaw known
 * as ROCA (CVE-2017-15361), whose moduli are recognised by being powers of 65537 modulo many small primes.
 */
import { assertPermitted, type PublicKey } from '#core/crypto';
import { Fault, isFault } from '#core/fault';
import { fromBase64Url, fromBigEndian } from '#core/octets';

const EXPONENT = 65537n;

export function insecureKey(why: string): Fault {
  return new Fault('refused', 'ca/key-insecure', `the public key is insecure: ${why}`);
}

function primesBelow(limit: number): readonly bigint[] {
  const primes: number[] = [];
  for (let candidate = 2; candidate < limit; candidate++) {
    if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate);
  }
  return primes.map(BigInt);
}

const SMALL_PRIMES = primesBelow(752);

/** For each small prime the residues that a ROCA modulus can have; primes that exclude nothing are left out. */
const ROCA_RESIDUES: readonly (readonly [bigint, ReadonlySet<bigint>])[] = SMALL_PRIMES.filter(
  (prime) => prime > 2n && prime <= 167n,
).flatMap((prime) => {
  const powers = new Set<bigint>();
  for (let power = 1n; !powers.has(power); power = (power * EXPONENT) % prime) powers.add(power);
  return BigInt(powers.size) < prime - 1n ? [[prime, powers] as const] : [];
});

function squareRoot(value: bigint): bigint {
  let root = 1n << BigInt(Math.ceil(value.toString(2).length / 2));
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

const FERMAT_ROUNDS = 100;

function factorsAreClose(modulus: bigint): boolean {
  let a = squareRoot(modulus);
  if (a * a < modulus) a++;
  for (let round = 0; round < FERMAT_ROUNDS; round++, a++) {
    const difference = a * a - modulus;
    // Squares end in few residues, which spares nearly all of the roots.
    if (![0n, 1n, 4n, 9n].includes(difference & 15n)) continue;
    const b = squareRoot(difference);
    if (b * b === difference) return true;
  }
  return false;
}

function checkRsa(key: PublicKey): void {
  if (key.details === undefined) throw insecureKey('use an RSA key of 2048, 3072 or 4096 bits');
  const { n = '', e = '' } = key.handle.export({ format: 'jwk' });
  if (fromBigEndian(fromBase64Url(e)) !== EXPONENT) throw insecureKey('the exponent must be 65537');
  const modulus = fromBigEndian(fromBase64Url(n));
  if (SMALL_PRIMES.some((prime) => modulus % prime === 0n))
    throw insecureKey('its modulus has a small factor');
  if (ROCA_RESIDUES.every(([prime, residues]) => residues.has(modulus % prime))) {
    throw insecureKey('it was made by a generator with a known flaw (ROCA)');
  }
  if (factorsAreClose(modulus)) throw insecureKey('its factors are close together');
}

/** @throws {Fault} ca/key-insecure, ca/algorithm-not-permitted */
export function checkKeyFit(key: PublicKey): void {
  if (key.kind === 'rsa') checkRsa(key);
  try {
    assertPermitted(key.kind === 'rsa' ? `rsa-${key.bits}` : key.kind);
  } catch (cause) {
    if (isFault(cause)) throw notPermitted(key.kind, cause);
    throw cause;
  }
}

export function notPermitted(what: string, cause?: unknown): Fault {
  return new Fault('refused', 'ca/algorithm-not-permitted', `signing algorithm not permitted: ${what}`, {
    cause,
  });
}
