/** The built-in issuer on a TLS port and a database of its own, its key in memory. */
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createSecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { DataSource } from 'typeorm';
import * as audit from '#audit';
import * as tree from '#tree';
import { Accounts, BuiltInIssuer, entities, MachineIdentities, migrations } from '#identity';
import { HeldClock, Metrics } from '#platform';
import { Pages } from '../../libs/identity/src/people/pages.js';
import { SignInFailures } from '../../libs/identity/src/people/sign-in-failures.js';
import { SignIn } from '../../libs/identity/src/people/sign-in.js';
import { freshDatabase } from './kit.js';
import { recorder } from './recorder.js';

export interface LiveIssuer {
  readonly url: string;
  /** PEM of the certificate that the server shows. */
  readonly ca: string;
  readonly issuer: BuiltInIssuer;
  readonly machines: MachineIdentities;
  readonly accounts: Accounts;
  readonly failures: SignInFailures;
  readonly metrics: Metrics;
  /** As the running appliance sees the database. */
  readonly pool: pg.Pool;
  /** Time of accounts and of their locks; the provider library knows no clock but the system's. */
  readonly clock: HeldClock;
  close(): Promise<void>;
}

export async function liveIssuer(): Promise<LiveIssuer> {
  const database = await freshDatabase();
  const { host, port, name } = database;
  const place = { type: 'postgres', host, port, database: name } as const;
  const owner = await new DataSource({ ...place,
    username: database.ownerUser,
    migrations: [...tree.migrations, ...audit.migrations, ...migrations],
  }).initialize();
  await owner.runMigrations();
  await owner.destroy();
  const source = await new DataSource({ ...place, username: database.runtimeUser, entities }).initialize();
  const pool = new pg.Pool({ host, port, database: name, user: database.runtimeUser });
  const clock = new HeldClock(Date.now());
  const metrics = new Metrics(false);

  const directory = mkdtempSync(join(tmpdir(), 'issuer-'));
  const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
  const words = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ${key} -out ${cert} -days 1`;
  execFileSync('openssl', [...words.split(' '), '-subj', '/CN=t', '-addext', 'subjectAltName=IP:127.0.0.1'], {
    stdio: 'ignore',
  });
  const server = createSecureServer(
    { key: readFileSync(key), cert: readFileSync(cert), allowHTTP1: true },
    (incoming, outgoing) => void issuer.handle(incoming, outgoing),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/oidc`;

  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const machines = new MachineIdentities(source, clock, recorder());
  const failures = new SignInFailures(pool, clock);
  const accounts = new Accounts(source, clock, failures, recorder());
  const issuer = new BuiltInIssuer({
    url,
    pool,
    machines,
    signer: {
      algorithm: 'rsa-2048-sha256',
      spki: publicKey.export({ format: 'der', type: 'spki' }),
      sign: (message) => Promise.resolve(sign('sha256', message, privateKey)),
    },
    people: { accounts, failures, signIn: new SignIn(accounts, failures, metrics), pages: new Pages('evaluation') },
  });
  return {
    ...{ url, ca: readFileSync(cert, 'utf8'), issuer, machines, accounts, failures, metrics, pool, clock },
    async close() {
      server.close();
      await pool.end();
      await source.destroy();
      await database.drop();
      rmSync(directory, { recursive: true });
    },
  };
}
