/** What a process may ask of a token's agent, besides signatures. Octets travel as base64. */
import type {
  AttributeReport,
  Backup,
  DoctorFinding,
  DoctorReport,
  Inventory,
  TokenInfo,
} from './key-report.js';
import { fromBase64, toBase64 } from '#core/octets';
import type { Head } from './heads.js';
import type { Purpose } from './purpose.js';
import type { KeyAlgorithm } from './signer.js';
import type { UsesReport } from './uses.js';

/** Raised with every change of these letters: two builds must not talk past each other. */
export const PROTOCOL = 5;

export interface KeyLetter {
  readonly uri: string;
  readonly algorithm: KeyAlgorithm;
  readonly spki: string;
  readonly id: string;
  readonly report: AttributeReport;
}

export interface InventoryLetter {
  readonly token: TokenInfo;
  readonly keys: readonly KeyLetter[];
  readonly others: Inventory['others'];
}

export interface HeadLetter {
  readonly size: string;
  readonly root: string;
}

/** A key by its URI and the SHA-256 of its public half, and a head of the tree that it signs under `origin`. */
export interface TreeLetter extends HeadLetter {
  readonly uri: string;
  readonly digest: string;
  readonly origin: string;
}

export interface NewKeyLetter {
  readonly label: string;
  readonly algorithm: KeyAlgorithm;
  readonly id: string;
  readonly backup: Backup;
  readonly alwaysAuthenticate: boolean;
}

/** As `UsesReport`: figures in decimal, instants in ISO 8601. */
export interface UsesLetter extends Pick<UsesReport, 'counter' | 'durable' | 'block'> {
  readonly since: string;
  readonly breaks: readonly { readonly at: string; readonly reason: string }[];
  readonly uses: readonly {
    readonly key: string;
    readonly label: string;
    readonly purpose: Purpose;
    readonly counted: string;
    readonly uncertain: string;
    readonly failed: string;
    readonly adrift: string;
    readonly since: string;
  }[];
}

/** Operation → what is asked, what is answered. */
export interface Calls {
  /** The first letter: both sides must mean the same token, library and protocol. */
  hello: {
    asks: object;
    answers: { readonly protocol: number; readonly fingerprint: string; readonly pid: number };
  };
  status: {
    asks: object;
    answers: { readonly sessions: number; readonly underWay: number; readonly peers: number };
  };
  token: { asks: object; answers: TokenInfo };
  key: { asks: { readonly uri: string; readonly backup: Backup }; answers: KeyLetter };
  generate: { asks: NewKeyLetter; answers: KeyLetter };
  adopt: { asks: { readonly uri: string; readonly backup: Backup }; answers: KeyLetter };
  destroy: {
    asks: { readonly uri: string; readonly label: string };
    answers: { readonly destroyed: number };
  };
  /** The head that the asker's database has; answered with what was signed before. */
  announce: {
    asks: TreeLetter;
    answers: { readonly journal?: HeadLetter; readonly token?: HeadLetter; readonly open: boolean };
  };
  /** Begins a journal at a head that an operator vouches for. */
  adoptHead: { asks: TreeLetter; answers: object };
  /** The last letter: what this process was given is in its books, or it has said so. */
  bye: { asks: object; answers: object };
  /** A signature that was given out will not be in any book. */
  adrift: {
    asks: { readonly uri: string; readonly digest: string; readonly purpose: Purpose };
    answers: object;
  };
  /** How often keys were used, and what for. */
  uses: { asks: object; answers: UsesLetter };
  inventory: { asks: object; answers: InventoryLetter };
  random: { asks: { readonly length: number }; answers: { readonly octets: string } };
  /** A key pair that lives as long as the agent's sessions and leaves no trace: for doctor and bench. */
  passing: {
    asks: { readonly algorithm: KeyAlgorithm };
    answers: { readonly uri: string; readonly spki: string };
  };
  forget: { asks: { readonly uri: string }; answers: object };
  examine: {
    asks: object;
    answers: {
      readonly token: TokenInfo;
      readonly mechanisms: DoctorReport['mechanisms'];
      readonly findings: readonly DoctorFinding[];
    };
  };
}

export type Operation = keyof Calls;

export function headLetter({ size, root }: Head): HeadLetter {
  return { size: size.toString(), root: toBase64(root) };
}

export function usesLetter({ counter, durable, block, since, breaks, uses }: UsesReport): UsesLetter {
  return {
    counter,
    durable,
    block,
    since: since.toISOString(),
    breaks: breaks.map(({ at, reason }) => ({ at: at.toISOString(), reason })),
    uses: uses.map(({ counted, uncertain, failed, adrift, since: first, ...pair }) => ({
      ...pair,
      counted: counted.toString(),
      uncertain: uncertain.toString(),
      failed: failed.toString(),
      adrift: adrift.toString(),
      since: first.toISOString(),
    })),
  };
}

export function readUsesLetter({ counter, durable, block, since, breaks, uses }: UsesLetter): UsesReport {
  return {
    counter,
    durable,
    block,
    since: new Date(since),
    breaks: breaks.map(({ at, reason }) => ({ at: new Date(at), reason })),
    uses: uses.map(({ counted, uncertain, failed, adrift, since: first, ...pair }) => ({
      ...pair,
      counted: BigInt(counted),
      uncertain: BigInt(uncertain),
      failed: BigInt(failed),
      adrift: BigInt(adrift),
      since: new Date(first),
    })),
  };
}

export function readLetter({ size, root }: HeadLetter): Head {
  return { size: BigInt(size), root: fromBase64(root) };
}
