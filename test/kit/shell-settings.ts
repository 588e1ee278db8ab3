/** What specs of the appliance's shell begin with: a certificate for loopback, and settings on the kit's engines. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSettings, type Settings } from '#platform';
import { redisSocket, type FreshDatabase } from './kit.js';

/** Writes `cert.pem` and `key.pem` into `directory`, over those that are there; the certificate is its own authority. */
export function loopbackCertificate(directory: string, name: string): string {
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
      ...['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1,IP:127.0.0.2'],
      ...['-keyout', join(directory, 'key.pem'), '-out', join(directory, 'cert.pem')],
    ],
    { stdio: 'ignore' },
  );
  return readFileSync(join(directory, 'cert.pem'), 'utf8');
}

/** Settings of an appliance in `directory`, which opens no token unless `changed` names one. */
export function shellSettings(directory: string, database: FreshDatabase, changed: object = {}): Settings {
  const { host, port, name, runtimeUser, ownerUser } = database;
  return parseSettings(
    JSON.stringify({
      mode: 'evaluation',
      stateDir: directory,
      runtimeDir: directory,
      instance: join(directory, 'instance.yaml'),
      database: { host, port, name, runtimeUser, ownerUser },
      redis: { socket: redisSocket() },
      hsm: { tokens: { online: { module: '/none.so', uri: 'pkcs11:token=none', pinSource: '/none' } } },
      listen: {
        public: [{ address: '127.0.0.1', port: 0 }],
        admin: { socket: join(directory, 'admin.sock') },
      },
      tls: { certificate: join(directory, 'cert.pem'), key: join(directory, 'key.pem') },
      identity: { issuers: '/none' },
      ...changed,
    }),
  );
}
