/**
 * From a bearer token to an identity.
 *
 *   1. read     the token's shape, and who claims to have issued it
 *   2. choose   the issuer's entry: exact before wildcard; nobody else is believed
 *   3. verify   audience, times, algorithm, signature
 *   4. read     the claims as the issuer's type reads them
 *   5. bound    what goes into a certificate must fit one: length, characters
 */
import { Fault } from '#core/fault';
import type { Clock } from '#platform';
import { keptClaims, type VerifiedToken } from './claims.js';
import { orderedExtensions } from './extensions.js';
import { fetchJson, type FetchJson } from './fetch-json.js';
import type { Identity } from './identity.js';
import { DiscoveredKeys, FileKeys, type IssuerKeys } from './issuer-keys.js';
import { issuerFor, type IssuersFile } from './issuers-file.js';
import type { IssuerSettings, Reading } from './types/identity-type.js';
import { readToken, verifyToken } from './verify-token.js';

export interface ProveIdentityPorts {
  readonly issuers: IssuersFile;
  readonly clock: Clock;
  /** Keys of issuers that live in this process, by issuer URL: nothing is fetched for them. */
  readonly ownKeys?: ReadonlyMap<string, IssuerKeys>;
  readonly fetch?: FetchJson;
}

/** A wildcard stands for any number of issuers; only so many have their keys remembered. */
const MAX_KEY_SOURCES = 200;
const MAX_VALUE_CHARACTERS = 2048;

export class ProveIdentity {
  readonly #ports: ProveIdentityPorts;
  readonly #fetch: FetchJson;
  readonly #keys = new Map<string, IssuerKeys>();

  constructor(ports: ProveIdentityPorts) {
    this.#ports = ports;
    this.#fetch = ports.fetch ?? fetchJson;
  }

  /** The file in force, for the door that publishes the configuration. */
  get issuers(): IssuersFile {
    return this.#ports.issuers;
  }

  /** @throws {Fault} identity/…: the token is not believed, or says nothing a certificate can carry */
  async execute(compact: string): Promise<Identity> {
    const token = readToken(compact);
    const issuer = issuerFor(this.#ports.issuers, token.issuer);
    if (issuer === undefined) {
      throw new Fault(
        'refused',
        'identity/unknown-issuer',
        'the identity token comes from an issuer that is not configured here',
      );
    }
    const verified = await verifyToken(
      token,
      issuer.clientId,
      this.#keysOf(issuer),
      this.#ports.clock.nowMs(),
    );
    const reading = issuer.type.read(verified, { issuer, providers: this.#ports.issuers.providers });
    return bounded(identityOf(verified, reading, issuer, verified.expiresAt));
  }

  #keysOf(issuer: IssuerSettings): IssuerKeys {
    const own = this.#ports.ownKeys?.get(issuer.issuerUrl);
    if (own !== undefined) return own;
    const known = this.#keys.get(issuer.issuerUrl);
    if (known !== undefined) return known;
    const keys =
      issuer.jwksFile === ''
        ? new DiscoveredKeys(issuer, this.#fetch, this.#ports.clock)
        : new FileKeys(issuer.jwksFile, this.#ports.clock);
    if (this.#keys.size >= MAX_KEY_SOURCES) {
      const [oldest] = this.#keys.keys();
      if (oldest !== undefined) this.#keys.delete(oldest);
    }
    this.#keys.set(issuer.issuerUrl, keys);
    return keys;
  }
}

function identityOf(
  token: VerifiedToken,
  reading: Reading,
  issuer: IssuerSettings,
  expiresAt: number,
): Identity {
  const written = reading.issuer ?? token.issuer;
  const address = token.claims['email'];
  const names = [token.subject, ...(typeof address === 'string' && address !== '' ? [address] : [])];
  return {
    issuer: written,
    tokenIssuer: token.issuer,
    subject: token.subject,
    type: issuer.type.name,
    sanType: reading.sanType,
    san: reading.san,
    challengeValues: issuer.challengeClaim === 'email' ? names.toReversed() : names,
    extensions: orderedExtensions(written, token.subject, reading.facts),
    claims: keptClaims(token.claims),
    expiresAt,
  };
}

function bounded(identity: Identity): Identity {
  // rfc822Name and URI are IA5String (RFC 5280 §4.2.1.6), and a control character in any name can only deceive.
  const ascii = identity.sanType === 'other-name' || /^[\x21-\x7e]+$/.test(identity.san);
  const texts = [identity.san, ...identity.extensions.map(([, value]) => value)];
  if (!ascii || texts.some((text) => text.length > MAX_VALUE_CHARACTERS || /\p{Cc}/u.test(text))) {
    throw new Fault(
      'refused',
      'identity/unfit-name',
      'the token names something that cannot stand in a certificate',
    );
  }
  return identity;
}
