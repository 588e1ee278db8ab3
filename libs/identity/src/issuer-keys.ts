/**
 * The keys with which an issuer signs its tokens: fetched through discovery and cached, read from a file, or
 * handed over inside this process by our own issuer.
 *
 * A token naming an unknown key may follow a rotation, so it triggers one more fetch; but anybody can send such
 * tokens, so there is at most one fetch per issuer at a time and one per cool-down.
 */
import { KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createLocalJWKSet, errors, type JSONWebKeySet } from 'jose';
import { Fault } from '#core/fault';
import { isJsonObject, parseJson, type JsonObject, type JsonValue } from '#core/json';
import type { Clock } from '#platform';
import type { FetchJson } from './fetch-json.js';
import { advertisedAlgorithms, algorithmsOfKeys } from './signature-algorithms.js';
import type { IssuerSettings } from './types/identity-type.js';

export interface KeySet {
  /**
   * The one key that `header` names.
   *
   * @throws {JOSEError} JWKSNoMatchingKey, JWKSMultipleMatchingKeys, JWKInvalid
   */
  readonly find: (header: JsonObject) => Promise<KeyObject> | KeyObject;
  readonly algorithms: readonly string[];
}

export interface IssuerKeys {
  /** The keys as known now, fetched when none are. */
  current(): Promise<KeySet>;
  /** Newer keys than `than`, or the same when it is too early to ask again. */
  refreshed(than: KeySet): Promise<KeySet>;
}

function keySet(source: string, value: JsonValue, algorithms?: readonly string[]): KeySet {
  const keys = isJsonObject(value) ? value['keys'] : undefined;
  if (!Array.isArray(keys)) {
    throw new Fault('unavailable', 'identity/key-set', `${source} holds no JSON Web Key Set`);
  }
  // A private or symmetric key in a published set is the issuer's mistake; using it would make it ours.
  const usable = keys.filter(
    (key): key is JsonObject => isJsonObject(key) && key['kty'] !== 'oct' && key['d'] === undefined,
  );
  const set = { keys: usable } as unknown as JSONWebKeySet;
  try {
    return {
      find: remembering(createLocalJWKSet(set)),
      algorithms: algorithms ?? algorithmsOfKeys(usable),
    };
  } catch (cause) {
    if (!(cause instanceof errors.JOSEError)) throw cause;
    throw new Fault('unavailable', 'identity/key-set', `${source} holds no JSON Web Key Set`, { cause });
  }
}

/**
 * Finds each key of a set once. Only what was found is remembered, so what anybody writes into a header cannot make
 * this grow: there are no more entries than pairs of a key and an algorithm, with its name and without.
 */
function remembering(find: ReturnType<typeof createLocalJWKSet>): KeySet['find'] {
  const found = new Map<string, KeyObject>();
  return ({ alg, kid }) => {
    if (typeof alg !== 'string') throw new errors.JWKSNoMatchingKey();
    const name = typeof kid === 'string' ? `${alg} ${kid}` : alg;
    const known = kid === undefined || typeof kid === 'string' ? found.get(name) : undefined;
    if (known !== undefined) return known;
    return find({ alg, ...(kid === undefined ? {} : { kid: kid as string }) }).then(
      (key) => {
        const object = KeyObject.from(key as Parameters<typeof KeyObject.from>[0]);
        found.set(name, object);
        return object;
      },
      (error: unknown) => {
        if (error instanceof errors.JOSEError) throw error;
        // A point that is on no curve: the issuer's mistake, which anybody may name.
        throw new errors.JWKInvalid(undefined, { cause: error });
      },
    );
  };
}

/** Keys that are there for good: of our own issuer, or of a file. */
export class FixedKeys implements IssuerKeys {
  readonly #set: KeySet;

  constructor(source: string, jwks: JsonValue) {
    this.#set = keySet(source, jwks);
  }

  current(): Promise<KeySet> {
    return Promise.resolve(this.#set);
  }

  refreshed(): Promise<KeySet> {
    return Promise.resolve(this.#set);
  }
}

/** How long fetched keys are used before they are fetched again: a withdrawn key lives no longer than this. */
export const KEYS_MAX_AGE_MS = 15 * 60_000;
/** The least time between two fetches for one issuer. */
export const REFETCH_COOL_DOWN_MS = 30_000;

/** Common part of sources that may change: one load at a time, never more often than the cool-down. */
abstract class LoadedKeys implements IssuerKeys {
  readonly #clock: Clock;
  #set: KeySet | undefined;
  #loadedAtMs = Number.NEGATIVE_INFINITY;
  #triedAtMs = Number.NEGATIVE_INFINITY;
  #failure: unknown;
  #loading: Promise<KeySet> | undefined;

  protected constructor(clock: Clock) {
    this.#clock = clock;
  }

  protected abstract load(): Promise<KeySet>;

  async current(): Promise<KeySet> {
    const known = this.#set;
    if (known !== undefined && this.#clock.nowMs() - this.#loadedAtMs < KEYS_MAX_AGE_MS) return known;
    return this.#reload();
  }

  async refreshed(than: KeySet): Promise<KeySet> {
    if (this.#set !== undefined && this.#set !== than) return this.#set;
    // Whoever comes while another is fetching waits for the same answer: the cool-down is for the next fetch.
    if (this.#loading !== undefined) return this.#loading;
    if (this.#clock.nowMs() - this.#triedAtMs < REFETCH_COOL_DOWN_MS) return than;
    return this.#reload();
  }

  #reload(): Promise<KeySet> {
    if (this.#loading !== undefined) return this.#loading;
    const now = this.#clock.nowMs();
    // An issuer that just failed is not asked again by every request that waits for it.
    if (this.#failure !== undefined && now - this.#triedAtMs < 1000)
      return Promise.reject(this.#failure as Error);
    this.#triedAtMs = now;
    this.#loading = this.load().then(
      (set) => {
        this.#set = set;
        this.#loadedAtMs = now;
        this.#failure = undefined;
        this.#loading = undefined;
        return set;
      },
      (error: unknown) => {
        this.#failure = error;
        this.#loading = undefined;
        throw error;
      },
    );
    return this.#loading;
  }
}

export class DiscoveredKeys extends LoadedKeys {
  readonly #issuer: IssuerSettings;
  readonly #fetch: FetchJson;

  constructor(issuer: IssuerSettings, fetch: FetchJson, clock: Clock) {
    super(clock);
    this.#issuer = issuer;
    this.#fetch = fetch;
  }

  protected async load(): Promise<KeySet> {
    const { issuerUrl } = this.#issuer;
    const base = issuerUrl.endsWith('/') ? issuerUrl.slice(0, -1) : issuerUrl;
    const discovery = await this.#fetch(`${base}/.well-known/openid-configuration`, this.#issuer);
    // OpenID Connect Discovery §4.3: the document must name the very issuer that we asked for.
    if (
      !isJsonObject(discovery) ||
      discovery['issuer'] !== issuerUrl ||
      typeof discovery['jwks_uri'] !== 'string'
    ) {
      throw new Fault(
        'unavailable',
        'identity/discovery',
        `the discovery document of ${issuerUrl} names another issuer or no keys`,
      );
    }
    const jwks = await this.#fetch(discovery['jwks_uri'], this.#issuer);
    return keySet(discovery['jwks_uri'], jwks, advertisedAlgorithms(discovery));
  }
}

/** A key set carried in on media; read again like a fetched one, so that replacing the file is enough. */
export class FileKeys extends LoadedKeys {
  readonly #path: string;

  constructor(path: string, clock: Clock) {
    super(clock);
    this.#path = path;
  }

  protected async load(): Promise<KeySet> {
    let bytes: Uint8Array;
    try {
      bytes = await readFile(this.#path);
    } catch (cause) {
      throw new Fault('unavailable', 'identity/key-set', 'the jwks-file of this issuer cannot be read', {
        cause,
      });
    }
    return keySet('the jwks-file', parseJson(bytes));
  }
}
