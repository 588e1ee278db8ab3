/** Somebody who signs, with no library of Sigstore's: a key, a token, a certificate. */
import { createHash, generateKeyPairSync, type KeyObject, sign, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { installation } from '../kit/index.js';
import { type Answer, post } from './wire.js';

interface Credentials {
  readonly tokenEndpoint: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

export function machineCredentials(): Credentials {
  return JSON.parse(readFileSync(installation().credentials, 'utf8')) as Credentials;
}

/** A fresh identity token of the built-in issuer, by client credentials. */
export async function machineToken(): Promise<string> {
  const { tokenEndpoint, clientId, clientSecret } = machineCredentials();
  const url = new URL(tokenEndpoint);
  const basic = Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`).toString(
    'base64',
  );
  const answer = await post(url.origin, url.pathname, 'grant_type=client_credentials', {
    'Content-Type': 'application/x-www-form-urlencoded',
    Authorization: `Basic ${basic}`,
  });
  const { access_token: token } = JSON.parse(answer.text) as { access_token?: string };
  if (token === undefined) throw new Error(`no token: ${answer.text}`);
  return token;
}

export function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<
    string,
    unknown
  >;
}

const HASH_OF_CURVE: Readonly<Record<string, string>> = { secp384r1: 'sha384', secp521r1: 'sha512' };

export class Holder {
  readonly privateKey: KeyObject;
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Buffer;
  /** Its PEM. */
  readonly pem: string;

  constructor(
    pair: { privateKey: KeyObject; publicKey: KeyObject } = generateKeyPairSync('ec', {
      namedCurve: 'P-256',
    }),
  ) {
    this.privateKey = pair.privateKey;
    this.spki = pair.publicKey.export({ type: 'spki', format: 'der' });
    this.pem = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  }

  /** With the hash that goes with the key; DER for elliptic curves. */
  sign(message: Uint8Array | string): Buffer {
    const curve = this.privateKey.asymmetricKeyDetails?.namedCurve ?? '';
    const hash = this.privateKey.asymmetricKeyType === 'ed25519' ? null : (HASH_OF_CURVE[curve] ?? 'sha256');
    return sign(hash, Buffer.from(message), this.privateKey);
  }
}

export interface SigningRequest {
  readonly credentials?: { readonly oidcIdentityToken: string };
  readonly publicKeyRequest: {
    readonly publicKey: { readonly algorithm: string; readonly content: string };
    readonly proofOfPossession: string;
  };
}

/** Fulcio's v2 request for `holder`, who proves the key by signing `subject`. */
export function signingRequest(holder: Holder, subject: string, token?: string): SigningRequest {
  return {
    ...(token === undefined ? {} : { credentials: { oidcIdentityToken: token } }),
    publicKeyRequest: {
      publicKey: { algorithm: 'ECDSA', content: holder.pem },
      proofOfPossession: holder.sign(subject).toString('base64'),
    },
  };
}

export function askForCertificate(
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  return post(installation().origin, '/api/v2/signingCert', body, headers);
}

export interface Certified {
  readonly holder: Holder;
  /** PEM as they came: leaf first, root last. */
  readonly chain: readonly string[];
  readonly leaf: X509Certificate;
}

/** A new key and a certificate for it, as the installation's own machine. */
export async function certified(): Promise<Certified> {
  const holder = new Holder();
  const answer = await askForCertificate(
    signingRequest(holder, installation().identity, await machineToken()),
  );
  if (answer.status !== 200) throw new Error(answer.text);
  const { signedCertificateEmbeddedSct } = JSON.parse(answer.text) as {
    signedCertificateEmbeddedSct: { chain: { certificates: string[] } };
  };
  const chain = signedCertificateEmbeddedSct.chain.certificates;
  return { holder, chain, leaf: new X509Certificate(chain[0] ?? '') };
}

export function sha256(bytes: Uint8Array | string): Buffer {
  return createHash('sha256').update(bytes).digest();
}
