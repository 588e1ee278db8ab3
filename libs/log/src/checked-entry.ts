import type { CryptoProfile } from '#core/crypto';
import { readV1Entry, readV2Entry, type V2Options } from '#core/entry';
import type { Fault, FaultKind } from '#core/fault';
import type { LookUps } from './v1/look-ups.js';

export type Face = 'v1' | 'v2';

/** A proposed entry whose signatures have been verified; may be appended. */
export interface CheckedEntry {
  readonly kind: string;
  readonly version: string;
  readonly canonical: Uint8Array;
  readonly searchKeys: readonly string[];
  readonly attestation?: Uint8Array;
}

/** Whoever reads and verifies what clients propose. */
export interface EntryChecker {
  /** @throws {Fault} json/…, entry/…: the client's fault; entry/busy: ours */
  check(face: Face, body: Uint8Array): Promise<CheckedEntry>;
  /** Reads a retrieve request of v1. @throws {Fault} rekor/…, entry/…: the client's fault; entry/busy: ours */
  lookUps(body: Uint8Array): Promise<LookUps>;
  close(): Promise<void>;
}

/** Reads, canonicalises and verifies in the calling thread. @throws {Fault} json/…, entry/… */
export function checkEntry(face: Face, body: Uint8Array, options: V2Options = {}): CheckedEntry {
  const entry = face === 'v1' ? readV1Entry(body) : readV2Entry(body, options);
  entry.verify();
  return {
    kind: entry.kind,
    version: entry.version,
    canonical: entry.canonical,
    searchKeys: entry.searchKeys,
    ...(entry.attestation === undefined ? {} : { attestation: entry.attestation.data }),
  };
}

/** A Fault as it crosses from one thread to another: class and cause do not survive the way. */
export interface FaultMessage {
  readonly kind: FaultKind;
  readonly code: string;
  readonly message: string;
  readonly detail: Fault['detail'];
}

/** What a thread is started with. */
export interface CheckerData extends V2Options {
  readonly profile: CryptoProfile;
}

export interface CheckRequest {
  readonly id: number;
  readonly what: Face | 'look-ups';
  readonly body: Uint8Array;
}

export type CheckReply =
  | { readonly id: number; readonly entry: CheckedEntry }
  | { readonly id: number; readonly lookUps: LookUps }
  | { readonly id: number; readonly fault: FaultMessage }
  | { readonly id: number; readonly defect: string };
