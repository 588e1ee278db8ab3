/** What a token says about itself and its keys, as data: for transcripts, inventories and the doctor. */
import type { KeyAlgorithm } from './signer.js';

/** `unsupported` means that the token does not know the attribute, which is not the same as `false`. */
export type Verdict = 'pass' | 'fail' | 'unsupported';

/** One row of the enforcement matrix `private-signing-key@1`. */
export interface AttributeRow {
  readonly check: string;
  readonly expected: string;
  readonly found: string;
  readonly verdict: Verdict;
  /** Whether a failure of this row forbids the use of the key; other failures are warnings by profile. */
  readonly obligatory: boolean;
}

export interface AttributeReport {
  readonly policy: 'private-signing-key@1';
  /** Which family of tokens decided what counts as unsupported. */
  readonly profile: string;
  readonly rows: readonly AttributeRow[];
  /** False when an obligatory row failed. */
  readonly holds: boolean;
}

/** How a key may leave its token; declared at birth. */
export type Backup = 'none' | 'vendor-clone' | 'trusted-wrap';

export interface KeyRecord {
  readonly uri: string;
  readonly algorithm: KeyAlgorithm;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  /** CKA_ID. */
  readonly id: Uint8Array;
  readonly report: AttributeReport;
}

export interface TokenInfo {
  readonly label: string;
  readonly manufacturer: string;
  readonly model: string;
  readonly serial: string;
  readonly firmware: string;
  readonly hardware: string;
  readonly library: string;
  /** CKF_… bits of the token. */
  readonly flags: number;
  readonly pin: 'ok' | 'count-low' | 'final-try' | 'locked' | 'to-be-changed';
  readonly protectedAuthenticationPath: boolean;
}

export interface Inventory {
  readonly token: TokenInfo;
  readonly keys: readonly KeyRecord[];
  /** Objects that are no usable key: halves of pairs, keys of unknown kinds, keys without a label. */
  readonly others: readonly { readonly label: string; readonly id: string; readonly what: string }[];
}

/** One finding of the doctor. */
export interface DoctorFinding {
  readonly check: string;
  readonly verdict: 'pass' | 'warn' | 'fail' | 'unsupported';
  readonly found: string;
  /** What to do about it; absent when nothing is to be done. */
  readonly next?: string;
}

export interface DoctorReport {
  readonly name: string;
  readonly token: TokenInfo;
  readonly eligibleForProduction: boolean;
  readonly mechanisms: readonly {
    readonly name: string;
    readonly offered: boolean;
    readonly minBits: number;
    readonly maxBits: number;
  }[];
  readonly findings: readonly DoctorFinding[];
  readonly healthy: boolean;
}

export interface BenchFigure {
  readonly algorithm: KeyAlgorithm;
  readonly outstanding: number;
  readonly signatures: number;
  readonly perSecond: number;
  readonly medianMs: number;
  readonly p99Ms: number;
}
