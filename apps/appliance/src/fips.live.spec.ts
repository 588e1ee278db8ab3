/** An appliance under the fips profile: what it verifies, what it speaks, and what it says of itself. */
import { execFileSync } from 'node:child_process';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { profileInUse, useProfile } from '#core/crypto';
import { fromUtf8 } from '#core/octets';
import { checkEntry } from '#log';
import { createLogger, parseSettings } from '#platform';
import { type FreshDatabase, freshDatabase, redisSocket } from '../../../test/kit/kit.js';
import { type Appliance, startAppliance } from './start.js';

const directory = mkdtempSync(join(tmpdir(), 'fips-'));
const lines: string[] = [];
const [certificate, key] = [join(directory, 'cert.pem'), join(directory, 'key.pem')];

let database: FreshDatabase;
let appliance: Appliance;

function renew(name: string): void {
  const about = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2'];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  execFileSync('openssl', ['req', '-x509', ...curve, ...about, '-keyout', key, '-out', certificate], {
    stdio: 'ignore',
  });
}

beforeAll(async () => {
  database = await freshDatabase();
  renew('first');
  const { host, port, name, runtimeUser, ownerUser } = database;
  const settings = parseSettings(
    JSON.stringify({
      mode: 'evaluation',
      stateDir: directory,
      runtimeDir: directory,
      instance: '/none',
      crypto: { profile: 'fips' },
      database: { host, port, name, runtimeUser, ownerUser },
      redis: { socket: redisSocket() },
      hsm: { tokens: { online: { module: '/none.so', uri: 'pkcs11:token=none', pinSource: '/none' } } },
      listen: {
        public: [{ address: '127.0.0.1', port: 0 }],
        admin: { socket: join(directory, 'admin.sock') },
      },
      tls: { certificate, key },
      identity: { issuers: '/none' },
    }),
  );
  const logger = createLogger(settings, { write: (line: string) => void lines.push(line) });
  appliance = await startAppliance(settings, logger, { version: '1.2.3', doors: () => [] });
});

afterAll(async () => {
  await appliance.close();
  useProfile('standard');
  await database.drop();
  rmSync(directory, { recursive: true });
});

/** Shakes hands as a client that offers this much; the error's code if that is not enough. */
async function shakeHands(offer: ConnectionOptions): Promise<string> {
  const [listener] = appliance.addresses;
  const socket: TLSSocket = connect({
    host: '127.0.0.1',
    port: listener?.port ?? 0,
    ca: readFileSync(certificate),
    ...offer,
  });
  try {
    return await new Promise((resolve) => {
      socket.once('secureConnect', () => resolve(`${socket.getProtocol()} ${socket.getCipher().name}`));
      socket.once('error', (error) => resolve('code' in error ? String(error.code) : error.message));
    });
  } finally {
    socket.destroy();
  }
}

const HANDSHAKE_FAILURE = 'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE';

async function speaksOnlyApproved(): Promise<void> {
  const aes = { ciphers: 'TLS_AES_256_GCM_SHA384', ecdhCurve: 'P-256' };
  expect(await shakeHands(aes)).toBe('TLSv1.3 TLS_AES_256_GCM_SHA384');
  const old = { maxVersion: 'TLSv1.2', ecdhCurve: 'P-256' } as const;
  expect(await shakeHands({ ...old, ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' })).toMatch(/^TLSv1\.2 /);

  expect(await shakeHands({ ...aes, ecdhCurve: 'X25519' })).toBe(HANDSHAKE_FAILURE);
  expect(await shakeHands({ ...aes, ciphers: 'TLS_CHACHA20_POLY1305_SHA256' })).toBe(HANDSHAKE_FAILURE);
  expect(await shakeHands({ ...old, ciphers: 'ECDHE-ECDSA-CHACHA20-POLY1305' })).toBe(HANDSHAKE_FAILURE);
}

describe('the fips profile', () => {
  test('is in force from the start', () => {
    expect(profileInUse()).toBe('fips');
  });

  test('leaves approved TLS on the public doors, also after the certificate was replaced', async () => {
    await speaksOnlyApproved();
    renew('second');
    appliance.reloadTls();
    await speaksOnlyApproved();
  });

  test('keeps entries of Ed25519 keys out of the log', () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const artifact = Buffer.from('a');
    const entry = {
      apiVersion: '0.0.1',
      kind: 'hashedrekord',
      spec: {
        data: { hash: { algorithm: 'sha512', value: createHash('sha512').update(artifact).digest('hex') } },
        signature: {
          content: sign(null, artifact, privateKey).toString('base64'),
          publicKey: {
            content: Buffer.from(publicKey.export({ type: 'spki', format: 'pem' })).toString('base64'),
          },
        },
      },
    };
    expect(() => checkEntry('v1', fromUtf8(JSON.stringify(entry)))).toThrow(
      expect.objectContaining({ message: expect.stringContaining('does not permit ed25519') }),
    );
  });

  test('says that the module is not a validated one, unless OpenSSL runs on its FIPS provider', () => {
    expect(lines.join('')).toContain('without its FIPS provider');
  });
});
