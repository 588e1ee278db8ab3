/** `airseal trust show | fetch`, `airseal ca show`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TrustedRoot } from '@sigstore/protobuf-specs';
import { sha256 } from '#core/crypto';
import { Fault } from '#core/fault';
import { fromUtf8, toHex } from '#core/octets';
import { trustAuthorities } from '../tls-authorities.js';
import { print, table } from '../output.js';
import {
  caFilePath,
  fetchedTrustDirectory,
  flag,
  readText,
  requiredFlag,
  trustedRootPath,
} from '../places.js';
import { trustedRootIn } from '../trusted-root-file.js';
import type { Flags } from '../verb.js';

interface Row extends Record<string, string> {
  readonly role: string;
  readonly url: string;
  readonly name: string;
  readonly from: string;
  readonly until: string;
}

interface Window {
  readonly start?: Date | undefined;
  readonly end?: Date | undefined;
}

function day(date: Date | undefined): string {
  return date === undefined ? '' : date.toISOString().slice(0, 19) + 'Z';
}

function row(role: string, url: string, name: string, window: Window | undefined): Row {
  return { role, url, name, from: day(window?.start), until: day(window?.end) };
}

function rowsOf(root: TrustedRoot): Row[] {
  return [
    ...root.certificateAuthorities.map((ca) =>
      row('certificate-authority', ca.uri, ca.subject?.commonName ?? '', ca.validFor),
    ),
    ...root.timestampAuthorities.map((tsa) =>
      row('timestamp-authority', tsa.uri, tsa.subject?.commonName ?? '', tsa.validFor),
    ),
    ...root.ctlogs.map((log) =>
      row('certificate-log', log.baseUrl, toHex(log.logId?.keyId ?? Buffer.of()), log.publicKey?.validFor),
    ),
    ...root.tlogs.map((log) =>
      row('transparency-log', log.baseUrl, toHex(log.logId?.keyId ?? Buffer.of()), log.publicKey?.validFor),
    ),
  ];
}

function show(flags: Flags, keep: (row: Row) => boolean): Promise<void> {
  const path = trustedRootPath(flags);
  const rows = rowsOf(trustedRootIn(path)).filter(keep);
  const cells = rows.map((each) => [
    each.role,
    each.url,
    each.name,
    `from ${each.from}`,
    each.until === '' ? 'in use' : `until ${each.until}`,
  ]);
  print(
    flags,
    { trustedRoot: path, sha256: toHex(sha256(fromUtf8(readText(path, 'trusted root')))), entries: rows },
    table(cells),
  );
  return Promise.resolve();
}

export function showTrust(_operands: string[], flags: Flags): Promise<void> {
  return show(flags, () => true);
}

export function showAuthorities(_operands: string[], flags: Flags): Promise<void> {
  return show(flags, (each) => each.role === 'certificate-authority');
}

/**
 * Fetches trust through TUF, starting from a root.json that came by another way. Without a checksum the
 * person vouches for the file; with one, the bootstrap card does.
 */
export async function fetchTrust(_operands: string[], flags: Flags): Promise<void> {
  const mirror = requiredFlag(flags, 'mirror', '--mirror');
  const rootPath = requiredFlag(flags, 'root', '--root');
  const digest = toHex(sha256(fromUtf8(readText(rootPath, 'TUF root'))));
  const expected = flag(flags, 'rootChecksum');
  if (expected !== undefined && expected.toLowerCase() !== digest) {
    throw new Fault(
      'unverified',
      'trust/other-root',
      `${rootPath} has SHA-256 ${digest}, not the one you gave: do not use it`,
    );
  }

  const caFile = caFilePath(flags);
  if (caFile !== undefined) trustAuthorities(caFile);
  const directory = fetchedTrustDirectory();
  mkdirSync(join(directory, 'tuf'), { recursive: true });
  const { initTUF } = await import('@sigstore/tuf');
  const targets: string[] = [];
  try {
    const tuf = await initTUF({
      mirrorURL: mirror,
      rootPath,
      cachePath: join(directory, 'tuf'),
      force: true,
    });
    for (const name of ['trusted_root.json', 'signing_config.v0.2.json']) {
      writeFileSync(join(directory, name), await tuf.getTarget(name));
      targets.push(join(directory, name));
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Fault(
      'unverified',
      'trust/not-fetched',
      `no trust could be established from ${mirror}: ${why}`,
      { cause },
    );
  }
  print(flags, { mirror, rootSha256: digest, written: targets }, [
    `verified ${mirror} from root ${digest}`,
    ...targets.map((target) => `wrote ${target}`),
  ]);
}
