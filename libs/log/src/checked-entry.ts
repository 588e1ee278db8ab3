import type { CryptoProfile } from '#core/crypto';
import {
  HELD_FACET,
  type ProposedEntry,
  readV1Entry,
  readV2Entry,
  type Statement,
  type V2Options,
} from '#core/entry';
import type { Fault, FaultKind } from '#core/fault';
import type { Attachment } from '#tree';
import type { DepositFacts, DepositMatch } from './checked-deposit.js';
import type { LookUps } from './v1/look-ups.js';

export type Face = 'v1' | 'v2';

/** A proposed entry whose signatures have been verified; may be appended. */
export interface CheckedEntry {
  readonly kind: string;
  readonly version: string;
  readonly canonical: Uint8Array;
  readonly searchKeys: readonly string[];
  readonly attestation?: Uint8Array;
  /** The envelope that the entry is made of, to be kept with it. */
  readonly attachment?: Attachment;
}

export interface CheckOptions extends V2Options {
  /** Envelopes of more octets are logged, yet not kept; none is kept if absent. */
  readonly maximumStatementBytes?: number;
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
export function checkEntry(face: Face, body: Uint8Array, options: CheckOptions = {}): CheckedEntry {
  const entry = face === 'v1' ? readV1Entry(body) : readV2Entry(body, options);
  entry.verify();
  return {
    kind: entry.kind,
    version: entry.version,
    canonical: entry.canonical,
    ...filed(entry, options.maximumStatementBytes ?? 0),
    ...(entry.attestation === undefined ? {} : { attestation: entry.attestation.data }),
  };
}

/** Under which keys the entry stands, and what is kept with it. */
function filed(
  { searchKeys, facets, statement }: ProposedEntry,
  maximumBytes: number,
): Pick<CheckedEntry, 'searchKeys' | 'attachment'> {
  if (statement === undefined || tooLarge(statement, maximumBytes))
    return { searchKeys: [...searchKeys, ...facets] };
  return {
    searchKeys: [...searchKeys, ...facets, HELD_FACET],
    attachment: { digest: statement.pae, octets: statement.envelope },
  };
}

function tooLarge({ envelope }: Statement, maximumBytes: number): boolean {
  return envelope.length > maximumBytes;
}

/** A Fault as it crosses from one thread to another: class and cause do not survive the way. */
export interface FaultMessage {
  readonly kind: FaultKind;
  readonly code: string;
  readonly message: string;
  readonly detail: Fault['detail'];
}

/** What a thread is started with. */
export interface CheckerData extends CheckOptions {
  readonly profile: CryptoProfile;
}

export type CheckRequest =
  | { readonly id: number; readonly what: Face | 'look-ups' | 'deposit'; readonly body: Uint8Array }
  | {
      readonly id: number;
      readonly what: 'match';
      readonly body: Uint8Array;
      readonly leaves: readonly Uint8Array[];
    };

export type CheckReply =
  | { readonly id: number; readonly entry: CheckedEntry }
  | { readonly id: number; readonly lookUps: LookUps }
  | { readonly id: number; readonly deposit: DepositFacts }
  | { readonly id: number; readonly match: DepositMatch }
  | { readonly id: number; readonly fault: FaultMessage }
  | { readonly id: number; readonly defect: string };
