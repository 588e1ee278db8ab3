/**
 * Where an identity token comes from: `--identity-token FILE`, SIGSTORE_ID_TOKEN, or machine credentials
 * exchanged at the issuer. A token is a secret while it lives: it is checked for shape here, because the
 * signing library would quote a token it cannot parse in its error.
 */
import { Fault } from '#core/fault';
import { flag, readJson, readText } from './places.js';
import type { Flags } from './verb.js';

/** What `airseal identity add` writes (0600): enough to fetch tokens, useless without the issuer. */
export interface MachineCredentials {
  readonly tokenEndpoint: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

function isMachineCredentials(value: unknown): value is MachineCredentials {
  if (typeof value !== 'object' || value === null) return false;
  const record = value as Record<string, unknown>;
  return ['tokenEndpoint', 'clientId', 'clientSecret'].every((name) => typeof record[name] === 'string');
}

const JWT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

function assertJwt(token: string): string {
  if (!JWT.test(token)) {
    throw new Fault(
      'malformed',
      'cli/not-a-token',
      'the identity token is not a JWT; fetch a fresh one from your issuer',
    );
  }
  return token;
}

/**
 * Exchanges machine credentials for a token with audience `sigstore` (RFC 6749 §4.4).
 *
 * @throws {Fault} cli/issuer-unreachable, cli/credentials-refused
 */
export async function fetchToken(credentials: MachineCredentials): Promise<string> {
  let response: Response;
  try {
    response = await fetch(credentials.tokenEndpoint, {
      method: 'POST',
      headers: {
        authorization: `Basic ${btoa(`${encodeURIComponent(credentials.clientId)}:${encodeURIComponent(credentials.clientSecret)}`)}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
    });
  } catch (cause) {
    throw new Fault(
      'unavailable',
      'cli/issuer-unreachable',
      `cannot reach the issuer at ${credentials.tokenEndpoint}; is it up, and is its TLS authority known (--ca-file)?`,
      { cause },
    );
  }
  const answer = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  const token = answer['access_token'];
  if (!response.ok || typeof token !== 'string') {
    const why = typeof answer['error'] === 'string' ? answer['error'] : `status ${response.status}`;
    throw new Fault(
      'refused',
      'cli/credentials-refused',
      `the issuer refused these machine credentials: ${why}`,
    );
  }
  return assertJwt(token);
}

export function readCredentials(path: string): MachineCredentials {
  const value = readJson(path, 'credentials file');
  if (!isMachineCredentials(value)) {
    throw new Fault(
      'malformed',
      'cli/not-credentials',
      `${path} does not hold machine credentials; see \`airseal identity add\``,
    );
  }
  return value;
}

export async function identityToken(flags: Flags): Promise<string> {
  const file = flag(flags, 'identityToken');
  // cosign takes the token itself here. Whoever does so by habit must not find it in our error as well.
  if (file !== undefined && file.startsWith('ey') && JWT.test(file)) {
    throw new Fault(
      'refused',
      'cli/token-in-argv',
      'a token on the command line is seen by every user of this machine: give the name of a file, or SIGSTORE_ID_TOKEN; and fetch a fresh one',
    );
  }
  if (file !== undefined) return assertJwt(readText(file, 'identity token').trim());
  const fromEnvironment = process.env['SIGSTORE_ID_TOKEN'];
  if (fromEnvironment !== undefined && fromEnvironment !== '') return assertJwt(fromEnvironment.trim());
  const credentials = flag(flags, 'credentials');
  if (credentials !== undefined) return fetchToken(readCredentials(credentials));
  throw new Fault(
    'malformed',
    'cli/no-identity',
    'nobody to sign as: give --identity-token FILE, SIGSTORE_ID_TOKEN or --credentials FILE',
  );
}
