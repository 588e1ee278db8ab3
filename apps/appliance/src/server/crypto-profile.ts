/**
 * `crypto.profile`, put in force once, before anything connects or listens.
 *
 * What verifies goes through #core/crypto, which asks the profile at each call. TLS does not, so the profile
 * narrows it here: for our own doors by the options they are opened with, for connections that we open (database,
 * Redis, issuers) by the defaults of this process. What is left is approved by SP 800-52r2 §3.3 and SP 800-56A.
 */
import tls from 'node:tls';
import { fipsProviderInUse, useProfile } from '#core/crypto';
import type { Logger, Settings } from '#platform';

export type TlsPolicy = Pick<tls.SecureContextOptions, 'minVersion' | 'ciphers' | 'ecdhCurve' | 'sigalgs'>;

const APPROVED = {
  ciphers: [
    'TLS_AES_256_GCM_SHA384',
    'TLS_AES_128_GCM_SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-RSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES128-GCM-SHA256',
  ].join(':'),
  ecdhCurve: 'P-256:P-384:P-521',
  sigalgs: [
    'ecdsa_secp256r1_sha256',
    'ecdsa_secp384r1_sha384',
    'ecdsa_secp521r1_sha512',
    'rsa_pss_rsae_sha256',
    'rsa_pss_rsae_sha384',
    'rsa_pss_rsae_sha512',
    'rsa_pkcs1_sha256',
    'rsa_pkcs1_sha384',
    'rsa_pkcs1_sha512',
  ].join(':'),
};

/** What the public doors speak under this profile. */
export function tlsPolicy(profile: Settings['crypto']['profile']): TlsPolicy {
  return profile === 'fips' ? { minVersion: 'TLSv1.2', ...APPROVED } : { minVersion: 'TLSv1.2' };
}

export function enforceProfile(profile: Settings['crypto']['profile'], logger: Logger): void {
  useProfile(profile);
  if (profile !== 'fips') return;
  tls.DEFAULT_MIN_VERSION = 'TLSv1.2';
  tls.DEFAULT_CIPHERS = APPROVED.ciphers;
  tls.DEFAULT_ECDH_CURVE = APPROVED.ecdhCurve;
  if (!fipsProviderInUse()) {
    logger.warn(
      'the fips profile restricts algorithms, but OpenSSL runs without its FIPS provider; docs/security.md says how to give it one',
    );
  }
}
