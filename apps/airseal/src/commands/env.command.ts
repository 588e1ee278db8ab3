/**
 * `airseal env`: the block that points each client at this instance.
 *
 * Go, Python and Java replace the system's TLS authorities by the file they are given, so that file is a
 * combined one: pointing a build at us must not cut it off from everything else. URL variables of cosign
 * are left out on purpose: cosign 3 refuses service URLs beside a signing config.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { Fault } from '#core/fault';
import { parseTrustMaterial } from '#instance';
import { flag, readText, stateDirectory } from '../places.js';
import type { Flags } from '../verb.js';

const SYSTEM_BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/cert.pem',
];

/** Writes the system's authorities and our own into one file and returns its path. */
function combinedAuthorities(state: string): string {
  const own = join(state, 'tls', 'ca.pem');
  const system = SYSTEM_BUNDLES.find((path) => existsSync(path));
  const combined = join(state, 'tls', 'combined-ca.pem');
  const systemPem = system === undefined ? rootCertificates.join('\n') : readFileSync(system, 'utf8');
  writeFileSync(combined, `${systemPem.trimEnd()}\n${readText(own, 'TLS authority')}`);
  return combined;
}

const FORMATS: Readonly<Record<string, (name: string, value: string) => string>> = {
  sh: (name, value) => `export ${name}='${value.replaceAll("'", String.raw`'\''`)}'`,
  powershell: (name, value) => `$env:${name} = '${value.replaceAll("'", "''")}'`,
  ci: (name, value) => `${name}: ${JSON.stringify(value)}`,
};

export function printEnvironment(_operands: string[], flags: Flags): Promise<void> {
  const format = FORMATS[flag(flags, 'for') ?? 'sh'];
  if (format === undefined)
    throw new Fault('malformed', 'cli/unknown-shell', '--for takes sh, powershell or ci');
  const state = stateDirectory(flags);
  const material = parseTrustMaterial(
    readText(join(state, 'trust', 'trust-material.json'), 'trust material'),
  );
  const authorities = combinedAuthorities(state);
  const variables: Readonly<Record<string, string>> = {
    // One TUF cache per instance: `cosign initialize` deletes the directory it is given.
    TUF_ROOT: join(state, 'clients', 'tuf'),
    TUF_MIRROR: material.tuf.url,
    TUF_ROOT_JSON: join(state, 'trust', 'root.json'),
    SSL_CERT_FILE: authorities,
    REQUESTS_CA_BUNDLE: authorities,
    NODE_EXTRA_CA_CERTS: join(state, 'tls', 'ca.pem'),
    REKOR_REKOR_SERVER: material.rekorV1[0]?.url ?? '',
    GITSIGN_FULCIO_URL: material.certificateAuthorities[0]?.url ?? '',
    GITSIGN_REKOR_URL: material.rekorV1[0]?.url ?? '',
    GITSIGN_TIMESTAMP_SERVER_URL: material.timestampAuthorities[0]?.url ?? '',
    ...(material.issuer === undefined ? {} : { GITSIGN_OIDC_ISSUER: material.issuer.url }),
    AIRSEAL_STATE: state,
  };
  const lines = Object.entries(variables).map(([name, value]) => format(name, value));
  process.stdout.write(flags.output === 'json' ? `${JSON.stringify(variables)}\n` : `${lines.join('\n')}\n`);
  return Promise.resolve();
}
