/**
 * Lints of a trusted root and its signing configs before anybody signs them (CEREMONY §3.9, group T).
 *
 * Findings are data: a ceremony stops at any of them. What is checked here is what clients found out the
 * hard way when public instances got it wrong: truncated ids, origins that differ from URLs, one key in two
 * environments, chains in the wrong order.
 */
import { sha256 } from '#core/crypto';
import { generalizedTimeText } from '#core/der';
import { isFault } from '#core/fault';
import { fromBase64, toBase64, toHex } from '#core/octets';
import { parseCertificate, verifyChain } from '#core/x509';
import type { PublicMaterial } from './material.js';
import type { SigningConfig, SigningService } from './signing-config.js';
import {
  checkpointLogId,
  keyHashLogId,
  oldestFirst,
  type TrustedAuthority,
  type TrustedLog,
  type TrustedRoot,
  type ValidFor,
} from './trusted-root.js';

export interface TrustFinding {
  readonly lint: string;
  readonly message: string;
}

type Find = (lint: string, message: string) => void;

const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;

function lintWindow(where: string, { start, end }: ValidFor, find: Find): void {
  for (const at of [start, end]) {
    if (at !== undefined && !INSTANT.test(at)) find('T9', `${where}: ${at} is not YYYY-MM-DDTHH:MM:SSZ`);
  }
  if (end !== undefined && end < start) find('T9', `${where}: ends before it starts`);
}

function lintOrder(where: string, windows: readonly ValidFor[], find: Find): void {
  const sorted = oldestFirst(windows);
  if (windows.some((window, at) => window !== sorted[at]))
    find('T9', `${where}: entries must run from oldest to newest`);
}

/** An instant of a trust file in the spelling that certificates' times compare with. */
function digits(instant: string): string {
  return instant.replaceAll(/[-:T]/g, '');
}

function lintChain(where: string, authority: TrustedAuthority, find: Find): void {
  const chain = authority.certChain.certificates.map(({ rawBytes }) =>
    parseCertificate(fromBase64(rawBytes)),
  );
  try {
    verifyChain(chain);
  } catch (error) {
    if (!isFault(error)) throw error;
    find('T10', `${where}: ${error.message}`);
  }
  const { start, end = start } = authority.validFor;
  chain.forEach((certificate, at) => {
    if (generalizedTimeText(certificate.notBeforeMs) > digits(start)) {
      find('V7', `${where}: the window starts before certificate ${at} is valid`);
    }
    if (generalizedTimeText(certificate.notAfterMs) < digits(end)) {
      find('V7', `${where}: the window ends after certificate ${at} does`);
    }
  });
  const keys = new Set(chain.map(({ spki }) => toHex(sha256(spki))));
  if (keys.size !== chain.length) find('T10', `${where}: a key stands in the chain twice`);
}

function lintLog(
  where: string,
  log: TrustedLog,
  id: Uint8Array,
  origin: string | undefined,
  find: Find,
): void {
  lintWindow(where, log.publicKey.validFor, find);
  if (log.logId.keyId !== toBase64(id))
    find('T11', `${where}: the log id is not the one that follows from its key`);
  // v1 origins are `<host> - <tree id>`; both APIs want the host of the base URL first (CONTRACTS §3.7, §4.4).
  if (origin !== undefined && origin.split(' ')[0] !== hostName(log.baseUrl)) {
    find('T11', `${where}: origin "${origin}" does not begin with the host of ${log.baseUrl}`);
  }
}

/** Host without port, of the https URLs that the instance's schema lets in. */
function hostName(url: string): string {
  return /^https?:\/\/(\[[^\]]+\]|[^/:]+)/.exec(url)?.[1] ?? '';
}

/**
 * @param foreignKeys hex SHA-256 of public keys known from other environments (T13)
 */
export function lintTrustedRoot(
  root: TrustedRoot,
  material: PublicMaterial,
  foreignKeys: ReadonlySet<string> = new Set(),
): TrustFinding[] {
  const findings: TrustFinding[] = [];
  const find: Find = (lint, message) => findings.push({ lint, message });

  const v1 = oldestFirst(material.rekorV1);
  const v2 = oldestFirst(material.rekorV2);
  root.tlogs.forEach((log, at) => {
    const first = v1[at];
    const second = v2[at - v1.length];
    if (first !== undefined) lintLog(`tlogs[${at}]`, log, keyHashLogId(first.key), first.origin, find);
    else if (second !== undefined) {
      lintLog(`tlogs[${at}]`, log, checkpointLogId(second.origin, second.key), second.origin, find);
    } else find('T11', `tlogs[${at}] stands for no log of the material`);
  });
  oldestFirst(material.ctLogs).forEach((log, at) => {
    const entry = root.ctlogs[at];
    if (entry === undefined) find('T11', `ctlogs[${at}] is missing`);
    else lintLog(`ctlogs[${at}]`, entry, keyHashLogId(log.key), undefined, find);
  });

  const authorities: readonly (readonly [string, readonly TrustedAuthority[]])[] = [
    ['certificateAuthorities', root.certificateAuthorities],
    ['timestampAuthorities', root.timestampAuthorities],
  ];
  for (const [list, entries] of authorities) {
    lintOrder(
      list,
      entries.map((entry) => entry.validFor),
      find,
    );
    entries.forEach((entry, at) => {
      lintWindow(`${list}[${at}]`, entry.validFor, find);
      lintChain(`${list}[${at}]`, entry, find);
      if (entry.subject.organization === '') find('N2', `${list}[${at}]: the organisation is empty`);
    });
  }

  const logs = [...root.tlogs, ...root.ctlogs];
  const ids = logs.map((log) => log.logId.keyId);
  if (new Set(ids).size !== ids.length) find('T11', 'two logs share an id: every log has a key of its own');
  for (const log of logs) {
    if (foreignKeys.has(toHex(sha256(fromBase64(log.publicKey.rawBytes))))) {
      find('T13', `the key of ${log.baseUrl} is known from another environment`);
    }
  }
  return findings;
}

/**
 * T8: what a published trusted root promised must stay, or old signatures stop verifying. Entries may be
 * added and open windows may be closed; nothing may leave, and nothing that was closed may shrink.
 */
export function lintSuccession(next: TrustedRoot, previous: TrustedRoot): TrustFinding[] {
  const findings: TrustFinding[] = [];
  const windows = (root: TrustedRoot): Map<string, ValidFor> =>
    new Map([
      ...[...root.tlogs, ...root.ctlogs].map(
        (log) => [log.publicKey.rawBytes, log.publicKey.validFor] as const,
      ),
      ...[...root.certificateAuthorities, ...root.timestampAuthorities].map(
        (entry) =>
          [entry.certChain.certificates.map(({ rawBytes }) => rawBytes).join(), entry.validFor] as const,
      ),
    ]);
  const now = windows(next);
  for (const [key, before] of windows(previous)) {
    const after = now.get(key);
    if (after === undefined)
      findings.push({ lint: 'T8', message: `an entry that began ${before.start} was removed` });
    else if (after.start > before.start || (before.end !== undefined && (after.end ?? '9') < before.end)) {
      findings.push({ lint: 'T8', message: `the window of an entry that began ${before.start} has shrunk` });
    }
  }
  return findings;
}

/** T12, T14, T15: what signers are sent to must be what verifiers know. */
export function lintSigningConfig(config: SigningConfig, root: TrustedRoot): TrustFinding[] {
  const findings: TrustFinding[] = [];
  const find: Find = (lint, message) => findings.push({ lint, message });
  const known: readonly (readonly [
    string,
    readonly SigningService[],
    readonly (readonly [string, ValidFor])[],
  ])[] = [
    [
      'caUrls',
      config.caUrls,
      root.certificateAuthorities.map((entry) => [entry.uri, entry.validFor] as const),
    ],
    [
      'tsaUrls',
      config.tsaUrls,
      root.timestampAuthorities.map((entry) => [entry.uri, entry.validFor] as const),
    ],
    [
      'rekorTlogUrls',
      config.rekorTlogUrls,
      root.tlogs.map((log) => [log.baseUrl, log.publicKey.validFor] as const),
    ],
  ];
  for (const [list, services, trusted] of known) {
    if (services.length === 0) find('T15', `${list} is empty: signers would have nowhere to go`);
    for (const { url, validFor: window } of services) {
      const covered = trusted.some(
        ([name, trust]) =>
          name === url &&
          trust.start <= window.start &&
          (trust.end === undefined || (window.end ?? '9') <= trust.end),
      );
      if (!covered)
        find(list === 'tsaUrls' ? 'T12' : 'T15', `${list}: no entry of the trusted root covers ${url}`);
    }
    const newestFirst = oldestFirst(services.map((service) => service.validFor)).toReversed();
    if (services.some((service, at) => service.validFor.start !== newestFirst[at]?.start)) {
      find('T14', `${list} must run from the newest to the oldest`);
    }
  }
  const apis = new Set(config.rekorTlogUrls.map((service) => service.majorApiVersion));
  if (apis.size > 1)
    find('T15', 'rekorTlogUrls mixes API versions: clients would disagree about the log they use');
  return findings;
}
