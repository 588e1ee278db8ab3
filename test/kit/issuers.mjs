/**
 * Issuers whose private keys a test holds.
 *
 * - `emails`: type email, keys in a file, no network
 * - `subjects`: type uri, the same keys; its tokens may carry an e-mail address beside the subject
 * - `discovered`: type email, on loopback; the test that needs it answers there, or does not
 */
import { generateKeyPairSync } from 'node:crypto';
import { appendFileSync, mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** @returns {Promise<{description: string, list: (layout: {issuers: string}) => void}>} */
export async function makeIssuers() {
  const directory = mkdtempSync(join(tmpdir(), 'airseal-issuers-'));
  const pairs = {
    rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
    ec: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  };
  const keys = Object.entries(pairs).map(([kid, { publicKey }]) => ({
    ...publicKey.export({ format: 'jwk' }),
    kid,
    alg: kid === 'rsa' ? 'RS256' : 'ES256',
    use: 'sig',
  }));
  const jwks = join(directory, 'jwks.json');
  writeFileSync(jwks, JSON.stringify({ keys }));
  const emails = 'https://emails.journeys.invalid';
  const subjects = 'https://subjects.journeys.invalid';
  const discovered = `http://127.0.0.1:${await freePort()}`;
  const description = join(directory, 'issuers.json');
  const privateKeys = Object.fromEntries(
    Object.entries(pairs).map(([kid, { privateKey }]) => [kid, privateKey.export({ format: 'jwk' })]),
  );
  writeFileSync(description, JSON.stringify({ emails, subjects, discovered, keys, privateKeys }), {
    mode: 0o600,
  });
  return {
    description,
    list: ({ issuers }) =>
      appendFileSync(
        issuers,
        `
  ${emails}: { issuer-url: "${emails}", client-id: sigstore, type: email, jwks-file: "${jwks}" }
  ${subjects}: { issuer-url: "${subjects}", client-id: sigstore, type: uri, subject-domain: "${subjects}", jwks-file: "${jwks}" }
  ${discovered}: { issuer-url: "${discovered}", client-id: sigstore, type: email }
`,
      ),
  };
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((settle, fail) => {
    const server = createServer();
    server.on('error', fail);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address !== null ? settle(address.port) : fail(new Error('no port')),
      );
    });
  });
}
