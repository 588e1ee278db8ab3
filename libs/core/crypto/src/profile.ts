/**
 * Which algorithms this process accepts and makes, and the inventory of them.
 *
 * `standard` is what the clients speak; `fips` leaves only what FIPS 186-5 and SP 800-131A approve and a
 * validated module can do: no Ed25519ph from clients, RSA of 2048 bits and more.
 */
import { getFips } from 'node:crypto';
import { Fault } from '#core/fault';

export type CryptoProfile = 'standard' | 'fips';

interface Algorithm {
  readonly name: string;
  readonly use: string;
  readonly standard: string;
  readonly fips: boolean;
}

/** Everything that can enter or leave a verifier's hands; `airseal config check` prints it. */
export const ALGORITHMS: readonly Algorithm[] = [
  {
    name: 'sha256',
    use: 'Merkle trees, log and key identifiers, digests',
    standard: 'FIPS 180-4',
    fips: true,
  },
  { name: 'sha384', use: 'artifact digests, P-384 signatures', standard: 'FIPS 180-4', fips: true },
  { name: 'sha512', use: 'artifact digests, P-521 signatures', standard: 'FIPS 180-4', fips: true },
  { name: 'ec-p256', use: 'all service keys; signers', standard: 'FIPS 186-5', fips: true },
  { name: 'ec-p384', use: 'CA keys; signers', standard: 'FIPS 186-5', fips: true },
  { name: 'ec-p521', use: 'signers', standard: 'FIPS 186-5', fips: true },
  { name: 'rsa-2048', use: 'signers; identity tokens', standard: 'FIPS 186-5', fips: true },
  { name: 'rsa-3072', use: 'signers; identity tokens', standard: 'FIPS 186-5', fips: true },
  { name: 'rsa-4096', use: 'signers; identity tokens', standard: 'FIPS 186-5', fips: true },
  // RFC 8032 signatures are approved by FIPS 186-5, yet no validated OpenSSL provider offers them today.
  { name: 'ed25519', use: 'signers', standard: 'RFC 8032', fips: false },
  { name: 'scrypt', use: 'passwords of people', standard: 'RFC 7914', fips: false },
  { name: 'pbkdf2-sha256', use: 'passwords of people', standard: 'SP 800-132', fips: true },
];

let inUse: CryptoProfile = 'standard';

/** Called once, at start, from the settings; the profile never changes while the process lives. */
export function useProfile(profile: CryptoProfile): void {
  inUse = profile;
}

export function profileInUse(): CryptoProfile {
  return inUse;
}

export function isPermitted(name: string): boolean {
  const known = ALGORITHMS.find((algorithm) => algorithm.name === name);
  return known !== undefined && (inUse === 'standard' || known.fips);
}

/**
 * Whether OpenSSL in this process runs on its FIPS provider (docs/security.md says how to give it one). The
 * profile restricts algorithms either way; only the provider makes the module that computes them a validated one.
 */
export function fipsProviderInUse(): boolean {
  return getFips() === 1;
}

/** @throws {Fault} crypto/not-permitted when the profile in use does not allow the algorithm `name` */
export function assertPermitted(name: string): void {
  if (!isPermitted(name)) {
    throw new Fault('refused', 'crypto/not-permitted', `the ${inUse} profile does not permit ${name}`);
  }
}
