import type { BuildFact, BuildFacts } from '../extensions.js';
import type { SanType } from '../identity.js';
import type { VerifiedToken } from '../claims.js';
import type { Template, Values } from '../template.js';

export interface IssuerSettings {
  /** The exact `iss`; for a wildcard entry the pattern, where `*` stands for one or more of `-_a-zA-Z0-9`. */
  readonly issuerUrl: string;
  /** The audience that a token must be made for. */
  readonly clientId: string;
  readonly type: IdentityType;
  /** The claim announced as the one to sign; proofs over `email` and `sub` are both accepted. */
  readonly challengeClaim: string;
  readonly ciProvider: string;
  readonly issuerClaim: string;
  readonly subjectDomain: string;
  readonly spiffeTrustDomain: string;
  /** PEM; trusted beside the public roots when the issuer's keys are fetched. */
  readonly caCert: string;
  readonly skipEmailVerification: boolean;
  /** Path of a JSON Web Key Set; nothing is fetched from this issuer when it is set. */
  readonly jwksFile: string;
  readonly description: string;
}

export interface ProviderTemplates {
  readonly defaults: Values;
  readonly extensions: readonly (readonly [BuildFact, Template])[];
  readonly subjectAlternativeName: Template | undefined;
}

/** What an issuer type reads out of a verified token. */
export interface Reading {
  readonly sanType: SanType;
  readonly san: string;
  readonly facts?: BuildFacts;
  /** The issuer to write into the certificate, where it is not the token's. */
  readonly issuer?: string;
}

export interface ReadingContext {
  readonly issuer: IssuerSettings;
  /** Templates by provider name, for `ci-provider`. */
  readonly providers: Readonly<Record<string, ProviderTemplates>>;
}

/** One value of `type` in the issuers file. */
export interface IdentityType {
  readonly name: string;
  /** The claim that a client signs to prove possession; announced in the configuration. */
  readonly challengeClaim: 'email' | 'sub';
  /**
   * What the settings of an issuer of this type must hold, checked when the file is read.
   *
   * @throws {Fault} identity/issuers-file
   */
  checkSettings?(issuer: IssuerSettings): void;
  /** @throws {Fault} identity/… of kind `refused` when the claims do not make an identity of this type */
  read(token: VerifiedToken, context: ReadingContext): Reading;
}
