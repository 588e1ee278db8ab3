/**
 * Whether a token says what an issuer said, to us, now (CONTRACTS §1.5; RFC 8725).
 *
 * Cheap checks come first, so that a stale or foreign token never costs a fetch: shape, issuer, audience, times,
 * algorithm; then the signature, and only then is anything in the token believed. `exp` has no leeway; `nbf` may lie
 * five minutes ahead, since issuers' clocks do.
 */
import { errors } from 'jose';
import { verifyJws } from '#core/crypto';
import { Fault } from '#core/fault';
import { isJsonObject, parseJson, type JsonObject } from '#core/json';
import { fromBase64Url, fromUtf8 } from '#core/octets';
import type { VerifiedToken } from './claims.js';
import type { IssuerKeys, KeySet } from './issuer-keys.js';

const NOT_BEFORE_LEEWAY_S = 300;
const MAX_TOKEN_CHARACTERS = 64 * 1024;

export interface UnverifiedToken {
  /** What is signed: header and payload as they came, with the dot. */
  readonly input: Uint8Array;
  readonly signature: Uint8Array;
  readonly header: JsonObject;
  readonly claims: JsonObject;
  readonly issuer: string;
}

function malformed(why: string, cause?: unknown): Fault {
  return new Fault(
    'malformed',
    'identity/token-malformed',
    `the identity token ${why}`,
    cause === undefined ? {} : { cause },
  );
}

function octets(text: string): Uint8Array {
  try {
    return fromBase64Url(text);
  } catch (cause) {
    throw malformed('does not decode', cause);
  }
}

function part(text: string): JsonObject {
  const bytes = octets(text);
  let value;
  try {
    value = parseJson(bytes);
  } catch (cause) {
    throw malformed('does not decode', cause);
  }
  if (!isJsonObject(value)) throw malformed('does not hold an object');
  return value;
}

/** @throws {Fault} identity/token-malformed unless it is three base64url parts holding strict JSON objects */
export function readToken(compact: string): UnverifiedToken {
  if (compact.length > MAX_TOKEN_CHARACTERS) throw malformed('is too long');
  const [head, payload, signature, ...more] = compact.split('.');
  if (head === undefined || payload === undefined || signature === undefined || more.length > 0) {
    throw malformed('has not three parts');
  }
  const header = part(head);
  const claims = part(payload);
  if (typeof claims['iss'] !== 'string' || claims['iss'] === '') throw malformed('names no issuer');
  return {
    input: fromUtf8(compact.slice(0, head.length + 1 + payload.length)),
    signature: octets(signature),
    header,
    claims,
    issuer: claims['iss'],
  };
}

function hasAudience(claims: JsonObject, audience: string): boolean {
  const named = claims['aud'];
  return named === audience || (Array.isArray(named) && named.includes(audience));
}

function checkTimes(claims: JsonObject, nowS: number): number {
  const { exp: expires, nbf: notBefore } = claims;
  if (typeof expires !== 'number') throw malformed('never expires');
  if (expires < nowS) {
    throw new Fault('refused', 'identity/token-expired', 'the identity token has expired: get a new one');
  }
  if (notBefore !== undefined && (typeof notBefore !== 'number' || notBefore > nowS + NOT_BEFORE_LEEWAY_S)) {
    throw new Fault(
      'refused',
      'identity/token-not-yet-valid',
      'the identity token is not valid yet: compare the clocks',
    );
  }
  return expires;
}

function unsigned(cause?: unknown): Fault {
  return new Fault(
    'unverified',
    'identity/token-signature',
    'the signature of the identity token does not verify with its issuer’s keys',
    cause === undefined ? {} : { cause },
  );
}

async function checkSignature(token: UnverifiedToken, set: KeySet): Promise<void> {
  const { alg, crit } = token.header;
  if (typeof alg !== 'string' || !set.algorithms.includes(alg)) {
    throw new Fault(
      'refused',
      'identity/token-algorithm',
      'the identity token is signed with an algorithm that its issuer does not use',
    );
  }
  if (crit !== undefined) throw malformed('asks for extensions that are not understood');
  const key = await set.find(token.header);
  try {
    verifyJws(alg, key, token.input, token.signature);
  } catch (cause) {
    throw unsigned(cause);
  }
}

/** @throws {Fault} identity/token-… */
export async function verifyToken(
  token: UnverifiedToken,
  audience: string,
  keys: IssuerKeys,
  nowMs: number,
): Promise<VerifiedToken & { readonly expiresAt: number }> {
  if (!hasAudience(token.claims, audience)) {
    throw new Fault(
      'refused',
      'identity/token-audience',
      `the identity token is not made for the audience "${audience}"`,
    );
  }
  const expiresAt = checkTimes(token.claims, nowMs / 1000);
  const subject = token.claims['sub'];
  if (typeof subject !== 'string' || subject === '') throw malformed('names no subject');

  let set = await keys.current();
  try {
    await checkSignature(token, set);
  } catch (error) {
    if (!(error instanceof errors.JOSEError)) throw error;
    const newer = error instanceof errors.JWKSNoMatchingKey ? await keys.refreshed(set) : set;
    if (newer === set) throw unsigned(error);
    set = newer;
    try {
      await checkSignature(token, set);
    } catch (again) {
      if (again instanceof errors.JOSEError) throw unsigned(again);
      throw again;
    }
  }
  return { issuer: token.issuer, subject, claims: token.claims, expiresAt };
}
