/**
 * An OpenID Connect issuer for networks that have none, on a certified library.
 *
 * What clients of Sigstore ask of a token decides every choice here: RS256, `aud` the plain string `sigstore`,
 * `email` with `email_verified` true, ten minutes at most, and a JWT where the library would give an opaque value
 * (client credentials bring no ID token, so the access token is one: RFC 9068 with the audience of a resource).
 *
 * Machines come with credentials of their own; people come through a public client and sign in on our pages.
 */
import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import {
  type Account,
  type Configuration,
  errors,
  interactionPolicy,
  type KoaContextWithOIDC,
  Provider,
} from 'oidc-provider';
import type pg from 'pg';
import { fromHex } from '#core/octets';
import { FixedKeys } from '../issuer-keys.js';
import { Conversation, type ConversationPorts } from '../people/conversation.js';
import { moveEmptySecret, PERSON_CLIENT_METADATA } from '../people/sigstore-client.js';
import { hashSecret, type MachineIdentities } from './machine-identities.js';
import { ProviderStore } from './provider-store.js';
import { publicJwk, type TokenSigner, TokenSigningKey } from './signing-key.js';

/** The audience that every Sigstore client expects. */
export const AUDIENCE = 'sigstore';
const RESOURCE = 'urn:airseal:audience:sigstore';
const TOKEN_SECONDS = 600;
/** How long a person may take from the first page to the last. */
const CONVERSATION_SECONDS = 600;
const ASSERTION_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA', 'Ed25519'] as const;

export interface BuiltInIssuerPorts {
  /** The issuer URL, as clients and tokens write it. */
  readonly url: string;
  readonly signer: TokenSigner;
  readonly pool: pg.Pool;
  readonly machines: MachineIdentities;
  readonly people: ConversationPorts;
}

type RawRequest = IncomingMessage | Http2ServerRequest;
type RawResponse = ServerResponse | Http2ServerResponse;

export class BuiltInIssuer {
  readonly url: string;
  /** Our own keys, handed to token verification in this process: nothing asks itself over the network. */
  readonly keys: FixedKeys;
  readonly #provider: Provider;
  readonly #handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>;

  constructor(ports: BuiltInIssuerPorts) {
    this.url = ports.url;
    this.keys = new FixedKeys('the built-in issuer', { keys: [publicJwk(ports.signer)] });
    const { origin } = new URL(this.url);
    const conversation = new Conversation(ports.people, { path: this.path, origin, resource: RESOURCE });
    this.#provider = new Provider(ports.url, configuration(ports, this.path, conversation));
    secretsAsHashes(this.#provider);
    conversation.accompany(this.#provider);
    this.#handle = this.#provider.callback();
  }

  /** Path of the issuer URL without trailing slash: `/oidc`. */
  get path(): string {
    return new URL(this.url).pathname.replace(/\/$/, '');
  }

  get tokenEndpoint(): string {
    return `${new URL(this.url).origin}${this.path}/token`;
  }

  /** Where a person with this link chooses a password. */
  passwordLink(token: string): string {
    return `${new URL(this.url).origin}${this.path}/password?token=${encodeURIComponent(token)}`;
  }

  /** Subscribes to failures that the library would otherwise keep to itself. */
  onError(tell: (error: Error) => void): void {
    this.#provider.on('server_error', (_context, error) => tell(error));
  }

  /**
   * Answers one request whose body has not been read. The library builds its URLs from the Host header; a client
   * may write anything there, so what it sees is the issuer's own.
   */
  handle(request: RawRequest, response: RawResponse): Promise<void> {
    const { host } = new URL(this.url);
    request.headers.host = host;
    if (request.httpVersionMajor >= 2) {
      request.headers[':authority'] = host;
      // The library looks for a body only where HTTP/1 would announce one.
      const announced =
        request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined;
      if (request.method === 'POST' && !announced) request.headers['transfer-encoding'] = 'chunked';
    }
    if (request.method === 'POST') moveEmptySecret(request as IncomingMessage);
    // The routes carry the path of the issuer; only well-known paths are fixed inside the library.
    const wellKnown = `${this.path}/.well-known/`;
    if (request.url?.startsWith(wellKnown) === true) request.url = request.url.slice(this.path.length);
    return this.#handle(request as IncomingMessage, response as ServerResponse);
  }
}

/** Stored secrets are hashes, so a presented one is hashed before it is compared. */
function secretsAsHashes(provider: Provider): void {
  Object.defineProperty(provider.Client.prototype, 'compareClientSecret', {
    value(this: { readonly clientSecret?: string }, presented: string): boolean {
      const expected = this.clientSecret ?? '';
      return expected.length === 64 && timingSafeEqual(fromHex(expected), fromHex(hashSecret(presented)));
    },
  });
}

function configuration(ports: BuiltInIssuerPorts, path: string, conversation: Conversation): Configuration {
  return {
    clients: [PERSON_CLIENT_METADATA],
    adapter: (model: string) => new ProviderStore(model, ports.pool, ports.machines),
    jwks: { keys: [new TokenSigningKey(ports.signer)] },
    scopes: ['openid', 'email'],
    claims: { openid: ['sub'], email: ['email', 'email_verified'] },
    responseTypes: ['code'],
    clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    enabledJWA: {
      clientAuthSigningAlgValues: [...ASSERTION_ALGORITHMS],
      idTokenSigningAlgValues: ['RS256'],
    },
    features: {
      clientCredentials: { enabled: true },
      deviceFlow: {
        enabled: true,
        userCodeInputSource: (context, _form, _out, error) => conversation.enterCode(context, error),
        userCodeConfirmSource: (context, _form, _client, info, code) =>
          conversation.confirmCode(context, info, code),
        successSource: (context) => conversation.done(context),
      },
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      externalSigningSupport: { enabled: true, ack: 'experimental-01' },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => RESOURCE,
        getResourceServerInfo: (_context, resource) => {
          if (resource !== RESOURCE) throw new errors.InvalidTarget();
          return {
            scope: 'openid email',
            audience: AUDIENCE,
            accessTokenTTL: TOKEN_SECONDS,
            accessTokenFormat: 'jwt' as const,
            jwt: { sign: { alg: 'RS256' as const } },
          };
        },
        useGrantedResource: () => true,
      },
    },
    extraTokenClaims: async (_context, token) => {
      if (token.kind === 'AccessToken') {
        const account = await ports.people.accounts.findActive(token.accountId);
        if (account === undefined) throw new errors.InvalidGrant('account not found');
        return { email: account.email, email_verified: true };
      }
      const machine = await ports.machines.findByClientId(token.clientId ?? '');
      if (machine === undefined) throw new errors.InvalidClient('client not found');
      return { email: machine.email, email_verified: true };
    },
    findAccount: (_context, id) => findPerson(ports.people, id),
    interactions: {
      url: (_context, interaction) => conversation.interactionUrl(interaction.uid),
      policy: askEveryTime(),
    },
    // A token that is out lives for its minutes, whatever becomes of the browser.
    expiresWithSession: () => false,
    cookies: { long: { httpOnly: true, sameSite: 'lax', path }, short: { httpOnly: true, sameSite: 'lax' } },
    ttl: {
      ClientCredentials: TOKEN_SECONDS,
      AccessToken: TOKEN_SECONDS,
      IdToken: TOKEN_SECONDS,
      AuthorizationCode: 60,
      DeviceCode: CONVERSATION_SECONDS,
      Interaction: CONVERSATION_SECONDS,
      Session: 2 * CONVERSATION_SECONDS,
      Grant: 2 * CONVERSATION_SECONDS,
    },
    routes: Object.fromEntries(
      [
        ['authorization', 'auth'],
        ['code_verification', 'device'],
        ['device_authorization', 'device/auth'],
        ['jwks', 'jwks'],
        ['token', 'token'],
      ].map(([name = '', place = '']) => [name, `${path}/${place}`]),
    ),
    // Faults of ours never reach a page of the library's own: only what the protocol says, as text or as a page.
    renderError: (context, out) => {
      if (context.accepts('json', 'html') === 'html')
        return conversation.problem(context, out.error_description);
      context.type = 'application/json';
      context.body = out;
      return undefined;
    },
  };
}

/** Every token is asked for in person: being signed in is not remembered from one to the next. */
function askEveryTime(): interactionPolicy.DefaultPolicy {
  const policy = interactionPolicy.base();
  policy
    .get('login')
    ?.checks.add(
      new interactionPolicy.Check(
        'every_time',
        'End-User authentication is required',
        ({ oidc }: KoaContextWithOIDC) =>
          oidc.result?.login === undefined
            ? interactionPolicy.Check.REQUEST_PROMPT
            : interactionPolicy.Check.NO_NEED_TO_PROMPT,
      ),
    );
  return policy;
}

async function findPerson({ accounts }: ConversationPorts, id: string): Promise<Account | undefined> {
  const account = await accounts.findActive(id);
  if (account === undefined) return undefined;
  const { accountId, email } = account;
  return { accountId, claims: () => Promise.resolve({ sub: accountId, email, email_verified: true }) };
}
