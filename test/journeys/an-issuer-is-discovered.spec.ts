/** An identity provider that is found by discovery: absent, lying, and at last itself. */
import { expect, test } from '@jest/globals';
import { createServer, type Server } from 'node:http';
import { expectGatewayError } from './refusals.js';
import { askForCertificate, Holder, signingRequest } from './signer.js';
import { goodClaims, journeyIssuers, SOMEBODY, tokenOf } from './tokens.js';

const { discovered, keys } = journeyIssuers();
/** What just failed is not asked again at once. */
const COOL_DOWN_MS = 1100;

function serve(discovery: object): Promise<Server> {
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(request.url === '/keys' ? { keys } : discovery));
  });
  return new Promise((resolve) => {
    server.listen(Number(new URL(discovered).port), '127.0.0.1', () => resolve(server));
  });
}

const stopped = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });

function attempt() {
  const token = tokenOf(goodClaims({ iss: discovered }));
  return askForCertificate(signingRequest(new Holder(), SOMEBODY, token));
}

test('an issuer that does not answer, or names another, vouches for nobody; itself it does', async () => {
  expectGatewayError('absent', await attempt(), [400, 503]);

  await new Promise((resolve) => setTimeout(resolve, COOL_DOWN_MS));
  const liar = await serve({ issuer: 'https://other.invalid', jwks_uri: `${discovered}/keys` });
  expectGatewayError('lying', await attempt(), [400, 503]);
  await stopped(liar);

  await new Promise((resolve) => setTimeout(resolve, COOL_DOWN_MS));
  const honest = await serve({
    issuer: discovered,
    jwks_uri: `${discovered}/keys`,
    id_token_signing_alg_values_supported: ['RS256'],
  });
  try {
    expect((await attempt()).status).toBe(200);
    // ES256 is not among what this issuer says it uses, though the key is in its set.
    const token = tokenOf(goodClaims({ iss: discovered }), 'ES256');
    expectGatewayError(
      'algorithm',
      await askForCertificate(signingRequest(new Holder(), SOMEBODY, token)),
      400,
    );
  } finally {
    await stopped(honest);
  }
});
