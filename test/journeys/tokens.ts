/** Identity tokens as an issuer would sign them, and as it never would. */
import { createPrivateKey, createPublicKey, createHmac, sign } from 'node:crypto';
import type { JsonWebKey } from 'node:crypto';
import { readFileSync } from 'node:fs';

export interface JourneyIssuers {
  /** Type email; keys in a file. */
  readonly emails: string;
  /** Type uri; the same keys. */
  readonly subjects: string;
  /** Type email; a loopback address where nobody answers unless a test does. */
  readonly discovered: string;
  readonly keys: readonly JsonWebKey[];
  readonly privateKeys: Readonly<Record<'rsa' | 'ec', JsonWebKey>>;
}

export function journeyIssuers(): JourneyIssuers {
  const path = process.env['AIRSEAL_JOURNEY_ISSUERS'];
  if (path === undefined)
    throw new Error('no issuers: run this spec through jest.journeys.config.mjs (npm test)');
  return JSON.parse(readFileSync(path, 'utf8')) as JourneyIssuers;
}

export const SOMEBODY = 'somebody@journeys.invalid';

/** The claims of a good token of the email issuer. */
export function goodClaims(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const now = Math.floor(Date.now() / 1000);
  return {
    iss: journeyIssuers().emails,
    sub: 'somebody',
    aud: 'sigstore',
    email: SOMEBODY,
    email_verified: true,
    iat: now,
    exp: now + 300,
    ...changes,
  };
}

const part = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** Signed as its header says, with a key of the issuers'. */
export function tokenOf(
  claims: Readonly<Record<string, unknown>> | string,
  algorithm: 'RS256' | 'ES256' = 'RS256',
): string {
  const kid = algorithm === 'RS256' ? 'rsa' : 'ec';
  const signed = `${part({ alg: algorithm, kid, typ: 'JWT' })}.${part(claims)}`;
  const key = createPrivateKey({ key: journeyIssuers().privateKeys[kid], format: 'jwk' });
  return `${signed}.${sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

/** `alg: none`. */
export function unsignedToken(claims: Readonly<Record<string, unknown>>): string {
  return `${part({ alg: 'none', typ: 'JWT' })}.${part(claims)}.`;
}

/** HS256, the secret being the issuer's public key, which everybody has. */
export function tokenUnderPublicKey(claims: Readonly<Record<string, unknown>>): string {
  const [jwk] = journeyIssuers().keys;
  if (jwk === undefined) throw new Error('no key');
  const secret = createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
  const signed = `${part({ alg: 'HS256', kid: 'rsa', typ: 'JWT' })}.${part(claims)}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

/** RS256 with a good header, signed by nobody's key. */
export function tokenWithForeignSignature(claims: Readonly<Record<string, unknown>>): string {
  const [head, payload, signature = ''] = tokenOf(claims).split('.');
  const bytes = Buffer.from(signature, 'base64url');
  bytes[10] = (bytes[10] ?? 0) ^ 1;
  return `${head}.${payload}.${bytes.toString('base64url')}`;
}
