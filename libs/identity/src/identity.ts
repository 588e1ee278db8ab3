/**
 * Who asks for a certificate, once a token has been believed: what goes into the certificate, and what the
 * requester must have signed to show that the key is theirs.
 */
export type SanType = 'email' | 'uri' | 'other-name';

export interface Identity {
  /** Written into the certificate; differs from `tokenIssuer` where a broker names the real issuer. */
  readonly issuer: string;
  /** The `iss` of the token. */
  readonly tokenIssuer: string;
  /** The `sub` of the token, as it stands. */
  readonly subject: string;
  /** Name of the issuer type that read the token, e.g. `email`. */
  readonly type: string;
  readonly sanType: SanType;
  /** The one subject alternative name; ASCII for `email` and `uri`. */
  readonly san: string;
  /**
   * Names over which a proof of possession is accepted. Clients sign the `email` claim when the token has
   * one and `sub` otherwise, whatever the issuer's type, so both are here when both are in the token: they
   * come from the same verified token and prove the same thing (CONTRACTS §1.4).
   */
  readonly challengeValues: readonly string[];
  /** Fulcio's extensions as (OID, text), in the order in which they stand in the certificate. */
  readonly extensions: readonly (readonly [oid: string, value: string])[];
  /** What the record of issuance keeps of the token: enough to explain the certificate, no bearer value. */
  readonly claims: Readonly<Record<string, string>>;
  /** Seconds since 1970: when the token stops being good. */
  readonly expiresAt: number;
}
