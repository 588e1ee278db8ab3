/**
 * `trusted_root.json`: what verifiers hold (CONTRACTS §6).
 *
 * Media type 0.1 and only members that the oldest strict parser knows: Go clients refuse the whole file for
 * one unknown member, so there is no `operator`. There is no `checkpointKeyId` either: one client takes its
 * four octets for the whole log id. Lists run from the oldest entry to the newest, and no entry ever leaves.
 */
import { parsePublicKey } from '#core/crypto';
import { Fault } from '#core/fault';
import { v1LogId, v2LogId } from '#core/note';
import { fromBase64, toBase64 } from '#core/octets';
import { parseCertificate } from '#core/x509';
import { certificateName } from './certificate-name.js';
import type { AuthorityFact, LogFact, PublicKeyFact, PublicMaterial, Window } from './material.js';

export interface ValidFor {
  readonly start: string;
  readonly end?: string;
}

export interface TrustedLog {
  readonly baseUrl: string;
  readonly hashAlgorithm: 'SHA2_256';
  readonly publicKey: { readonly rawBytes: string; readonly keyDetails: string; readonly validFor: ValidFor };
  readonly logId: { readonly keyId: string };
}

export interface TrustedAuthority {
  readonly subject: { readonly organization: string; readonly commonName: string };
  readonly uri: string;
  readonly certChain: { readonly certificates: readonly { readonly rawBytes: string }[] };
  readonly validFor: ValidFor;
}

export interface TrustedRoot {
  readonly mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1';
  readonly tlogs: readonly TrustedLog[];
  readonly certificateAuthorities: readonly TrustedAuthority[];
  readonly ctlogs: readonly TrustedLog[];
  readonly timestampAuthorities: readonly TrustedAuthority[];
}

export function validFor({ start, end }: Window): ValidFor {
  return end === undefined ? { start } : { start, end };
}

/** Oldest first; entries of the same age keep the order in which the ceremony wrote them. */
export function oldestFirst<T extends Window>(windows: readonly T[]): T[] {
  return windows.toSorted((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
}

/** Id of a certificate log (RFC 6962 §3.2) or of a v1 log: the hash of its key. */
export function keyHashLogId(key: PublicKeyFact): Uint8Array {
  return v1LogId(parsePublicKey(fromBase64(key.spki)));
}

/** Id of a v2 log, whose first octets are the key hint in its checkpoints (CONTRACTS §4.4). */
export function checkpointLogId(origin: string, key: PublicKeyFact): Uint8Array {
  return v2LogId(origin, parsePublicKey(fromBase64(key.spki)));
}

function trustedKey(key: PublicKeyFact, window: Window): TrustedLog['publicKey'] {
  const { details } = parsePublicKey(fromBase64(key.spki));
  if (details === undefined) {
    throw new Fault('refused', 'trust/log-key', 'a log key is of a kind that sigstore has no name for');
  }
  return { rawBytes: key.spki, keyDetails: details, validFor: validFor(window) };
}

function trustedLog(log: LogFact, logId: Uint8Array): TrustedLog {
  return {
    baseUrl: log.url,
    hashAlgorithm: 'SHA2_256',
    publicKey: trustedKey(log.key, log),
    logId: { keyId: toBase64(logId) },
  };
}

function trustedAuthority(authority: AuthorityFact): TrustedAuthority {
  const [first = ''] = authority.chain;
  return {
    subject: certificateName(parseCertificate(fromBase64(first)).subjectDer),
    uri: authority.url,
    certChain: { certificates: authority.chain.map((rawBytes) => ({ rawBytes })) },
    validFor: validFor(authority),
  };
}

/** @throws {Fault} trust/log-key, or of the certificate reader when the material does not parse */
export function compileTrustedRoot(material: PublicMaterial): TrustedRoot {
  return {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: [
      ...oldestFirst(material.rekorV1).map((log) => trustedLog(log, keyHashLogId(log.key))),
      ...oldestFirst(material.rekorV2).map((log) => trustedLog(log, checkpointLogId(log.origin, log.key))),
    ],
    certificateAuthorities: oldestFirst(material.certificateAuthorities).map(trustedAuthority),
    ctlogs: oldestFirst(material.ctLogs).map((log) => trustedLog(log, keyHashLogId(log.key))),
    timestampAuthorities: oldestFirst(material.timestampAuthorities).map(trustedAuthority),
  };
}
