/**
 * The public client `sigstore`, which every signing tool calls itself when it asks for a person's token.
 *
 * It has no secret to keep, so what it gets is worth nothing without the verifier of its challenge (RFC 7636), or the
 * person's confirmation of its code (RFC 8628). The audience of an ID token is the client's id, hence the name.
 */
import type { IncomingMessage } from 'node:http';
import type { ClientMetadata } from 'oidc-provider';
import { fromUtf8, toBase64 } from '#core/octets';

export const PERSON_CLIENT = 'sigstore';
export const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

/** Where the person copies the code by hand: `--oauth-force-oob`, or no browser at hand. */
export const CARRIED = 'urn:ietf:wg:oauth:2.0:oob';

/** Ports are free on loopback (RFC 8252 §7.3). */
const LOOPBACK = ['localhost', '127.0.0.1'].flatMap((host) =>
  [
    '', // @sigstore/cli and sigstore-rs
    '/',
    '/auth/callback', // cosign, gitsign, sigstore-go, sigstore-python
    '/Callback', // sigstore-java
  ].map((path) => `http://${host}${path}`),
);

export const PERSON_CLIENT_METADATA: ClientMetadata = {
  client_id: PERSON_CLIENT,
  client_name: 'A Sigstore client, such as cosign',
  application_type: 'native',
  token_endpoint_auth_method: 'none',
  grant_types: ['authorization_code', DEVICE_GRANT],
  response_types: ['code'],
  redirect_uris: [...LOOPBACK, CARRIED],
  scope: 'openid email',
};

const EMPTY_SECRET = `basic ${toBase64(fromUtf8(`${PERSON_CLIENT}:`))}`.toLowerCase();

/**
 * sigstore-python and Go's OAuth client send the client's id in a Basic header with an empty secret, which RFC 6749
 * §2.3.1 allows and the library refuses. The id is moved to where the library looks for it.
 */
export function moveEmptySecret(request: IncomingMessage): void {
  if (request.headers.authorization?.toLowerCase() !== EMPTY_SECRET) return;
  delete request.headers.authorization;
  // The body grows, so its length is no longer known beforehand.
  delete request.headers['content-length'];
  request.headers['transfer-encoding'] = 'chunked';
  const whole = request.iterator.bind(request);
  request.iterator = async function* (options): AsyncGenerator<Buffer, undefined> {
    for await (const chunk of whole(options)) yield chunk as Buffer;
    yield Buffer.from(`&client_id=${PERSON_CLIENT}`);
    return undefined;
  };
}
