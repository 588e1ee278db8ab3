/**
 * Signature algorithms of identity tokens. Only ones whose verifying key is not a signing key: with HS256 whoever
 * can read the key set could write tokens, and `none` needs no explanation. (RFC 8725 §3.1, §3.2) The fips profile
 * leaves out EdDSA, as it does everywhere.
 */
import { isPermitted } from '#core/crypto';
import type { JsonObject } from '#core/json';

const ASYMMETRIC = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];

function permitted(): readonly string[] {
  return isPermitted('ed25519') ? ASYMMETRIC : ASYMMETRIC.filter((name) => !name.startsWith('Ed'));
}

/** What the issuer advertises, as far as it is fit; RS256 when it advertises nothing (OpenID Connect Core §2). */
export function advertisedAlgorithms(discovery: JsonObject): readonly string[] {
  const advertised = discovery['id_token_signing_alg_values_supported'];
  const fit = Array.isArray(advertised) ? permitted().filter((name) => advertised.includes(name)) : [];
  return fit.length === 0 ? ['RS256'] : fit;
}

const BY_CURVE: ReadonlyMap<string, readonly string[]> = new Map([
  ['P-256', ['ES256']],
  ['P-384', ['ES384']],
  ['P-521', ['ES512']],
  ['Ed25519', ['EdDSA', 'Ed25519']],
]);

/** For key sets without discovery: what each key says of itself, or RS256 and the curve's own. */
export function algorithmsOfKeys(keys: readonly JsonObject[]): readonly string[] {
  return permitted().filter((name) =>
    keys.some((key) => {
      if (typeof key['alg'] === 'string') return key['alg'] === name;
      if (key['kty'] === 'RSA') return name === 'RS256';
      const curve = key['crv'];
      return typeof curve === 'string' && (BY_CURVE.get(curve) ?? []).includes(name);
    }),
  );
}
