/** Reading claims: text from a party whose signature we checked, and whose mistakes we still do not repeat. */
import { Fault } from '#core/fault';
import type { JsonObject } from '#core/json';

/** A token whose signature, issuer, audience and times hold. */
export interface VerifiedToken {
  readonly issuer: string;
  readonly subject: string;
  readonly claims: JsonObject;
}

export function missingClaim(name: string): Fault {
  return new Fault('refused', 'identity/claim-missing', `the token has no usable ${name} claim`, {
    detail: { claim: name },
  });
}

/** @throws {Fault} identity/claim-missing unless the claim is a non-empty string */
export function requiredText(claims: JsonObject, name: string): string {
  const value = claims[name];
  if (typeof value !== 'string' || value === '') throw missingClaim(name);
  return value;
}

/** The claim as text, or the empty string when it is absent. */
export function optionalText(claims: JsonObject, name: string): string {
  const value = claims[name];
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw missingClaim(name);
  return value;
}

/**
 * A claim as a template prints it: integers without fraction or exponent. Lists and objects have no spelling that
 * two CAs would agree on, so they are left out and a template that names one fails as if the claim were missing.
 */
export function printedClaims(claims: JsonObject): Readonly<Record<string, string>> {
  const printed: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [name, value] of Object.entries(claims)) {
    if (typeof value === 'string') printed[name] = value;
    else if (typeof value === 'boolean') printed[name] = String(value);
    else if (typeof value === 'number')
      printed[name] = Number.isInteger(value) ? BigInt(value).toString() : String(value);
  }
  return printed;
}

const KEPT = ['iss', 'sub', 'aud', 'azp', 'email', 'email_verified', 'jti', 'iat', 'nbf', 'exp'];

/** What the record of issuance keeps of a token. */
export function keptClaims(claims: JsonObject): Readonly<Record<string, string>> {
  const printed = printedClaims(claims);
  const kept: Record<string, string> = {};
  for (const name of KEPT) {
    const value = printed[name];
    if (value !== undefined) kept[name] = value;
  }
  const audience = claims['aud'];
  if (Array.isArray(audience)) kept['aud'] = audience.filter((one) => typeof one === 'string').join(' ');
  return kept;
}
