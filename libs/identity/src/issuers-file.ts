/**
 * Which issuers this CA believes: Fulcio's own configuration file, YAML or JSON, read as it is.
 *
 * Upstream ignores keys it does not know and so do we, or files in use would stop loading; what is ignored is
 * reported, so that a misspelt key is seen at start. One key is ours, and upstream ignores it in turn:
 * `jwks-file`, a JSON Web Key Set on disk for an issuer that this network cannot reach.
 *
 * An attacker who can write this file can name issuers of their own, and so get certificates for any identity.
 */
import { parse } from 'yaml';
import { Fault } from '#core/fault';
import { parsePem } from '#core/pem';
import { parseCertificate } from '#core/x509';
import { EXTENSIONS, type BuildFact } from './extensions.js';
import { compileTemplate, type Template } from './template.js';
import { identityType, identityTypeNames } from './types/registry.js';
import type { IssuerSettings, ProviderTemplates } from './types/identity-type.js';

export interface IssuersFile {
  readonly issuers: readonly IssuerSettings[];
  readonly wildcards: readonly IssuerSettings[];
  readonly providers: Readonly<Record<string, ProviderTemplates>>;
  /** Keys that were ignored, as `place: key`. */
  readonly ignored: readonly string[];
}

function wrong(why: string): Fault {
  return new Fault('malformed', 'identity/issuers-file', `issuers file: ${why}`);
}

type Entry = Readonly<Record<string, unknown>>;

function isEntry(value: unknown): value is Entry {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const KNOWN: ReadonlySet<string> = new Set(
  [
    ['issuer-url', 'IssuerURL'],
    ['client-id', 'ClientID'],
    ['type', 'Type'],
    ['ci-provider', 'CIProvider'],
    ['issuer-claim', 'IssuerClaim'],
    ['subject-domain', 'SubjectDomain'],
    ['spiffe-trust-domain', 'SPIFFETrustDomain'],
    ['challenge-claim', 'ChallengeClaim'],
    ['description', 'Description'],
    ['contact', 'Contact'],
    ['environment', 'Environment'],
    ['ca-cert', 'CACert'],
    ['skip-email-verification', 'SkipEmailVerification'],
    ['jwks-file', 'JWKSFile'],
  ].flat(),
);

function text(place: string, entry: Entry, yaml: string, json: string): string {
  const value = entry[yaml] ?? entry[json] ?? '';
  if (typeof value !== 'string') throw wrong(`${place}: ${yaml} must be text`);
  return value;
}

function section(whole: Entry, yaml: string, json: string): readonly (readonly [string, Entry])[] {
  const value = whole[yaml] ?? whole[json] ?? {};
  if (!isEntry(value)) throw wrong(`${yaml} must be a map`);
  return Object.entries(value).map(([key, entry]) => {
    if (!isEntry(entry)) throw wrong(`${yaml}: ${key} must be a map`);
    return [key, entry];
  });
}

function readIssuer(key: string, entry: Entry, wildcard: boolean): IssuerSettings {
  const typeName = text(key, entry, 'type', 'Type');
  const type = identityType(typeName);
  if (type === undefined)
    throw wrong(`${key}: type "${typeName}" is none of ${identityTypeNames().join(', ')}`);
  const skip = entry['skip-email-verification'] ?? entry['SkipEmailVerification'] ?? false;
  if (typeof skip !== 'boolean') throw wrong(`${key}: skip-email-verification must be true or false`);

  const issuer: IssuerSettings = {
    // The key is what a token's issuer is looked up by; a different issuer-url could never verify.
    issuerUrl: key,
    clientId: text(key, entry, 'client-id', 'ClientID'),
    type,
    challengeClaim: text(key, entry, 'challenge-claim', 'ChallengeClaim') || type.challengeClaim,
    ciProvider: text(key, entry, 'ci-provider', 'CIProvider'),
    issuerClaim: text(key, entry, 'issuer-claim', 'IssuerClaim'),
    subjectDomain: text(key, entry, 'subject-domain', 'SubjectDomain'),
    spiffeTrustDomain: text(key, entry, 'spiffe-trust-domain', 'SPIFFETrustDomain'),
    caCert: text(key, entry, 'ca-cert', 'CACert'),
    skipEmailVerification: skip,
    jwksFile: text(key, entry, 'jwks-file', 'JWKSFile'),
    description: text(key, entry, 'description', 'Description'),
  };

  if (!/^https?:\/\//.test(key)) throw wrong(`${key}: an issuer is an https URL`);
  const url = text(key, entry, 'issuer-url', 'IssuerURL');
  if (!wildcard && url !== '' && url !== key)
    throw wrong(`${key}: issuer-url is ${url}; write the same in both places`);
  if (issuer.clientId === '')
    throw wrong(`${key}: client-id is missing; without an audience any token would do`);
  if (issuer.issuerClaim !== '' && type.name !== 'email')
    throw wrong(`${key}: only email issuers take issuer-claim`);
  if (wildcard && type.name === 'spiffe') throw wrong(`${key}: a spiffe issuer cannot be a wildcard`);
  if (wildcard && issuer.jwksFile !== '')
    throw wrong(`${key}: a wildcard stands for many issuers and cannot have one jwks-file`);
  if (issuer.caCert !== '') {
    try {
      for (const { der } of parsePem(issuer.caCert)) parseCertificate(der);
    } catch (cause) {
      throw new Fault(
        'malformed',
        'identity/issuers-file',
        `issuers file: ${key}: ca-cert is not a PEM certificate`,
        { cause },
      );
    }
  }
  // A wildcard's host is only known when a token comes, so rules that compare hosts are for plain entries.
  if (!wildcard) type.checkSettings?.(issuer);
  return issuer;
}

function readProvider(name: string, entry: Entry, ignored: string[]): ProviderTemplates {
  const defaults: Record<string, string> = {};
  for (const [key, value] of Object.entries(
    entry['default-template-values'] ?? entry['DefaultTemplateValues'] ?? {},
  )) {
    if (typeof value !== 'string') throw wrong(`${name}: default ${key} must be text`);
    defaults[key] = value;
  }
  const extensions: [BuildFact, Template][] = [];
  const templates = entry['extension-templates'] ?? entry['ExtensionTemplates'] ?? {};
  for (const [key, value] of Object.entries(templates)) {
    const known = EXTENSIONS.find(([yaml, , json]) => yaml === key || json === key);
    if (known === undefined) {
      ignored.push(`ci-issuer-metadata ${name}: ${key}`);
      continue;
    }
    if (typeof value !== 'string') throw wrong(`${name}: template ${key} must be text`);
    const [fact] = known;
    // Issuer and subject come from the token whatever the file says; an empty template says nothing.
    if (fact === 'issuer' || fact === 'issuer-raw' || fact === 'subject' || value.trim() === '') continue;
    extensions.push([fact, compileTemplate(value)]);
  }
  const san = text(name, entry, 'subject-alternative-name-template', 'SubjectAlternativeNameTemplate');
  return {
    defaults,
    extensions,
    subjectAlternativeName: san.trim() === '' ? undefined : compileTemplate(san),
  };
}

/**
 * Upstream's own file has alias keys written `*name:`. In YAML 1.2 the colon belongs to the alias; Go's reader takes
 * it for the separator, and so must we.
 */
function spacedAliases(source: string): string {
  return source.replaceAll(/^([ \t]*\*[A-Za-z0-9_-]+):(?=\s|$)/gm, '$1 :');
}

/** @throws {Fault} identity/issuers-file, identity/template, identity/issuer-claim: what to change, and where */
export function parseIssuersFile(source: string): IssuersFile {
  let whole: unknown;
  try {
    // Every JSON text is YAML 1.2, so one reader does for both variants.
    whole = parse(spacedAliases(source), { uniqueKeys: true, merge: true, logLevel: 'error' });
  } catch (cause) {
    throw new Fault('malformed', 'identity/issuers-file', 'issuers file: not YAML and not JSON', { cause });
  }
  if (!isEntry(whole)) throw wrong('the file holds no map');
  const ignored: string[] = [];
  const readSection = (yaml: string, json: string, wildcard: boolean): IssuerSettings[] =>
    section(whole, yaml, json).map(([key, entry]) => {
      for (const name of Object.keys(entry)) if (!KNOWN.has(name)) ignored.push(`${key}: ${name}`);
      return readIssuer(key, entry, wildcard);
    });
  const issuers = readSection('oidc-issuers', 'OIDCIssuers', false);
  const wildcards = readSection('meta-issuers', 'MetaIssuers', true);
  const providers = Object.fromEntries(
    section(whole, 'ci-issuer-metadata', 'CIIssuerMetadata').map(([name, entry]) => [
      name,
      readProvider(name, entry, ignored),
    ]),
  );
  for (const issuer of [...issuers, ...wildcards]) {
    if (issuer.type.name !== 'ci-provider') continue;
    if (!Object.hasOwn(providers, issuer.ciProvider)) {
      throw wrong(`${issuer.issuerUrl}: ci-provider "${issuer.ciProvider}" is not in ci-issuer-metadata`);
    }
  }
  return { issuers, wildcards, providers, ignored };
}

/**
 * The pattern of a wildcard issuer, anchored at both ends: unanchored, an attacker's
 * `https://evil.example/?https://real.example/x` would match.
 */
export function wildcardPattern(pattern: string): RegExp {
  const escaped = pattern
    .replaceAll(/[.+?^${}()|[\]\\/]/g, String.raw`\$&`)
    .replaceAll('*', '[-_a-zA-Z0-9]+');
  return new RegExp(`^${escaped}$`);
}

/** The entry that answers for tokens of `issuer`: an exact one first, else a wildcard made concrete. */
export function issuerFor(file: IssuersFile, issuer: string): IssuerSettings | undefined {
  const exact = file.issuers.find((one) => one.issuerUrl === issuer);
  if (exact !== undefined) return exact;
  const wildcard = file.wildcards.find((one) => wildcardPattern(one.issuerUrl).test(issuer));
  return wildcard === undefined ? undefined : { ...wildcard, issuerUrl: issuer };
}
