/**
 * The issuer's RS256 key, which never leaves its token: the provider library hands over what is to be signed.
 *
 * RS256 and no other: cosign takes an inline identity token with any other algorithm for a file name
 * (CONTRACTS §0.3, rule 10).
 */
import type { KeyObject } from 'node:crypto';
import { ExternalSigningKey } from 'oidc-provider';
import { parsePublicKey, sha256 } from '#core/crypto';
import { Fault } from '#core/fault';
import type { JsonObject } from '#core/json';
import { fromUtf8, toBase64Url } from '#core/octets';
import type { Signer } from '#hsm';

/** What is needed of a Signer here; its token may be away while the issuer is made. */
export type TokenSigner = Pick<Signer, 'algorithm' | 'spki' | 'sign'>;

/** The public half as a JWK; `kid` is its thumbprint (RFC 7638), so it never names two keys. */
export function publicJwk(signer: Pick<Signer, 'algorithm' | 'spki'>): JsonObject & { readonly kid: string } {
  const { n, e } = parsePublicKey(signer.spki).handle.export({ format: 'jwk' });
  if (n === undefined || e === undefined || !signer.algorithm.startsWith('rsa-')) {
    throw new Fault(
      'refused',
      'identity/issuer-key',
      'the key of the built-in issuer must be an RSA key: its tokens are RS256',
    );
  }
  const kid = toBase64Url(sha256(fromUtf8(JSON.stringify({ e, kty: 'RSA', n }))));
  return { kty: 'RSA', use: 'sig', alg: 'RS256', kid, n, e };
}

export class TokenSigningKey extends ExternalSigningKey {
  readonly #signer: TokenSigner;
  readonly #handle: KeyObject;
  readonly #kid: string;

  constructor(signer: TokenSigner) {
    super();
    this.#signer = signer;
    this.#kid = publicJwk(signer).kid;
    this.#handle = parsePublicKey(signer.spki).handle;
  }

  override get kid(): string {
    return this.#kid;
  }

  override get alg(): string {
    return 'RS256';
  }

  override keyObject(): KeyObject {
    return this.#handle;
  }

  override sign(data: Uint8Array): Promise<Uint8Array> {
    return this.#signer.sign(data);
  }
}
