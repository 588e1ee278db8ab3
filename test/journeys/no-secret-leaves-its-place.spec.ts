/**
 * After everything else: what must never be written down, searched in all that was written down.
 *
 * PINs, machines' secrets and identity tokens belong into the files made for them and nowhere else; the one private
 * key outside of tokens is that of the TLS server. Searched are the logs, the state directory, the sockets'
 * directory, and every value in the database.
 */
import { expect, test } from '@jest/globals';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { installation } from '../kit/index.js';
import { certified, machineCredentials, machineToken } from './signer.js';
import { goodClaims, tokenOf, unsignedToken } from './tokens.js';
import { onDatabase, tablesOf } from './traces.js';
import { ask, post } from './wire.js';

const { origin, stateDir, runtimeDir, adminSocket, credentials } = installation();

/** Where secrets live: PINs, the tokens themselves, and the machine's own credentials. The database is dumped. */
const THEIR_PLACES = ['secrets', 'keepers', 'softhsm', 'postgres', relative(stateDir, credentials)];

interface Written {
  readonly name: string;
  readonly text: string;
}

function filesUnder(directory: string, without: readonly string[] = []): Written[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter(
      (path) =>
        !without.some(
          (place) => relative(directory, path) === place || relative(directory, path).startsWith(`${place}/`),
        ),
    )
    .map((path) => ({ name: relative(directory, path), text: readFileSync(path, 'latin1') }));
}

function database(): Promise<Written[]> {
  return onDatabase(async (client) => {
    const written: Written[] = [];
    for (const table of await tablesOf(client)) {
      // Octets as they are, not as hexadecimal digits in which no text would be found.
      const { rows } = await client.query<Record<string, unknown>>(
        `SELECT * FROM ${client.escapeIdentifier(table)}`,
      );
      const text = rows.map((row) =>
        Object.values(row)
          .map((value) => (Buffer.isBuffer(value) ? value.toString('latin1') : JSON.stringify(value)))
          .join('\t'),
      );
      written.push({ name: `table ${table}`, text: text.join('\n') });
    }
    return written;
  });
}

/** What each process of ours was started with: anybody on the machine may read the command line. */
function processes(): Written[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const cmdline = readFileSync(`/proc/${pid}/cmdline`, 'latin1');
        if (!cmdline.includes(stateDir) && !cmdline.includes(runtimeDir)) return [];
        return [
          { name: `process ${pid}`, text: `${cmdline}\n${readFileSync(`/proc/${pid}/environ`, 'latin1')}` },
        ];
      } catch {
        return [];
      }
    });
}

async function everything(): Promise<Written[]> {
  const all = [
    ...filesUnder(stateDir, THEIR_PLACES),
    ...filesUnder(runtimeDir),
    ...processes(),
    ...(await database()),
  ];
  // A search that reads nothing finds nothing.
  for (const expected of [
    'logs/appliance.log',
    'logs/postgres.log',
    'table ca_issuance',
    'table log_leaf',
    'tls/server.key',
  ]) {
    expect(all.find(({ name }) => name === expected)?.text.length ?? 0).toBeGreaterThan(0);
  }
  expect(all.some(({ name }) => name.startsWith('process '))).toBe(true);
  return all;
}

function holders(all: readonly Written[], secret: string | RegExp): string[] {
  return all
    .filter(({ text }) => (typeof secret === 'string' ? text.includes(secret) : secret.test(text)))
    .map(({ name }) => name);
}

test('no PIN, machine’s secret, or token is anywhere but in its own file', async () => {
  const tokens = [await machineToken(), tokenOf(goodClaims()), unsignedToken(goodClaims())];
  // Good and bad, in bodies, headers and places where a token does not belong.
  await certified();
  for (const token of tokens) {
    const body = {
      credentials: { oidcIdentityToken: token },
      publicKeyRequest: { publicKey: { content: 'x' } },
    };
    await post(origin, '/api/v2/signingCert', body);
    await post(origin, '/api/v1/signingCert', {}, { Authorization: `Bearer ${token}` });
    await post(origin, '/api/v1/log/entries', {}, { Authorization: `Bearer ${token}` });
    await post(origin, '/api/v2/signingCert', `{"credentials":{"oidcIdentityToken":"${token}"`);
    await ask(origin, { path: '/api/v1/log', headers: { Cookie: `token=${token}` } });
  }
  const { clientId, clientSecret } = machineCredentials();
  await post(
    origin,
    '/oidc/token',
    `grant_type=client_credentials&client_id=${clientId}&client_secret=${clientSecret}`,
    {
      'Content-Type': 'application/x-www-form-urlencoded',
    },
  );
  const all = await everything();
  for (const directory of ['secrets', 'keepers']) {
    for (const { name, text } of filesUnder(join(stateDir, directory))) {
      expect([name, text.trim().length >= 8]).toEqual([name, true]);
      expect([name, holders(all, text.trim())]).toEqual([name, []]);
    }
  }
  expect(holders(all, clientSecret)).toEqual([]);
  for (const token of tokens) {
    const [, claims = '', signature = ''] = token.split('.');
    expect(holders(all, claims)).toEqual([]);
    if (signature !== '') expect(holders(all, signature)).toEqual([]);
  }
  // Any other token that any journey sent: a header of a JWT, and the claims behind it.
  expect(holders(all, /eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\./)).toEqual([]);
  expect(holders(all, /\b(?:Bearer|Basic) [A-Za-z0-9_.+/=-]{16,}/)).toEqual([]);
});

test('the only private key outside of tokens is that of the TLS server', async () => {
  const all = await everything();
  expect(holders(all, /PRIVATE KEY/)).toEqual(['tls/server.key']);
  // The same in DER (SEC 1 of P-256, alone and inside PKCS#8), and as a JWK.
  const sec1 = ['30770201010420', '306b0201010420'].map((start) =>
    Buffer.from(start, 'hex').toString('latin1'),
  );
  for (const start of sec1) expect(holders(all, start)).toEqual([]);
  expect(holders(all, /"d"\s*:\s*"[A-Za-z0-9_-]{40,}"/)).toEqual([]);
});

test('the appliance was never told of the keepers’ tokens, and its door for administration is its owner’s', () => {
  const settings = readFileSync(installation().settings, 'utf8');
  expect(settings).not.toMatch(/keepers|officer|airseal-root/);
  expect(statSync(adminSocket).mode & 0o077).toBe(0);
  for (const directory of ['secrets', 'keepers']) {
    for (const name of readdirSync(join(stateDir, directory)))
      expect(statSync(join(stateDir, directory, name)).mode & 0o077).toBe(0);
  }
  expect(statSync(join(stateDir, 'tls', 'server.key')).mode & 0o077).toBe(0);
});
