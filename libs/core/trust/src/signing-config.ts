/**
 * `signing_config.v0.2.json`: which services a signer talks to (CONTRACTS §6.5).
 *
 * One client takes the first service of the list whatever its API version, others the highest version they
 * speak, so a file lists *one* version of the log: the default file the instance's default, and a second
 * file under a name of its own the other. Lists run from the newest entry to the oldest.
 */
import { fromUtf8 } from '#core/octets';
import type { PublicMaterial, Window } from './material.js';
import {
  compileTrustedRoot,
  oldestFirst,
  validFor,
  type TrustedRoot,
  type ValidFor,
} from './trusted-root.js';

export type RekorApi = 'v1' | 'v2';

export interface SigningService {
  readonly url: string;
  readonly majorApiVersion: number;
  readonly validFor: ValidFor;
  readonly operator: string;
}

export interface SigningConfig {
  readonly mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json';
  readonly caUrls: readonly SigningService[];
  readonly oidcUrls: readonly SigningService[];
  readonly rekorTlogUrls: readonly SigningService[];
  readonly rekorTlogConfig: { readonly selector: 'ANY' };
  readonly tsaUrls: readonly SigningService[];
  readonly tsaConfig: { readonly selector: 'ANY' };
}

export interface ClientTrustConfig {
  readonly mediaType: 'application/vnd.dev.sigstore.clienttrustconfig.v0.1+json';
  readonly trustedRoot: TrustedRoot;
  readonly signingConfig: SigningConfig;
}

type ServiceFact = Window & { readonly url: string };

/** A URL that several shards stand behind is one service: listed once, with the window of its newest. */
function services(
  facts: readonly ServiceFact[],
  majorApiVersion: number,
  operator: string,
): SigningService[] {
  const newestFirst = oldestFirst(facts).toReversed();
  const seen = new Set<string>();
  return newestFirst
    .filter(({ url }) => !seen.has(url) && seen.add(url))
    .map((fact) => ({ url: fact.url, majorApiVersion, validFor: validFor(fact), operator }));
}

export function compileSigningConfig(material: PublicMaterial, api: RekorApi): SigningConfig {
  const { organisation: operator, issuer, createdAt: start } = material;
  return {
    mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json',
    caUrls: services(material.certificateAuthorities, 1, operator),
    oidcUrls: issuer === undefined ? [] : services([{ url: issuer.url, start }], 1, operator),
    rekorTlogUrls:
      api === 'v1' ? services(material.rekorV1, 1, operator) : services(material.rekorV2, 2, operator),
    rekorTlogConfig: { selector: 'ANY' },
    tsaUrls: services(material.timestampAuthorities, 1, operator),
    tsaConfig: { selector: 'ANY' },
  };
}

/** Both documents in one, for clients that take a single file (CONTRACTS §6.6). */
export function compileClientTrustConfig(material: PublicMaterial, api: RekorApi): ClientTrustConfig {
  return {
    mediaType: 'application/vnd.dev.sigstore.clienttrustconfig.v0.1+json',
    trustedRoot: compileTrustedRoot(material),
    signingConfig: compileSigningConfig(material, api),
  };
}

/** The bytes that are published: indented, since people read these files too. */
export function formatTrustFile(file: TrustedRoot | SigningConfig | ClientTrustConfig): Uint8Array {
  return fromUtf8(`${JSON.stringify(file, null, 2)}\n`);
}
