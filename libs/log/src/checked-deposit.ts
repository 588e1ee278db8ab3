/**
 * Envelopes that are handed in after their entry, read and compared with leaves: work for another thread, since both an
 * envelope of megabytes and its signatures take time.
 */
import {
  candidateKeys,
  indexKeysOf,
  paeOf,
  readDeposit,
  readLeaf,
  vouchedFor,
  type Deposit,
} from '#core/entry';
import { sha256 } from '#core/crypto';
import { fromUtf8, toBase64, toHex } from '#core/octets';

/** What must be known of an envelope to look for its entries. */
export interface DepositFacts {
  /** Hex SHA-256 of its pre-authentication encoding. */
  readonly pae: string;
  /** An entry made of it stands under one of these, */
  readonly candidateKeys: readonly string[];
  /** and its leaf holds one of these texts. */
  readonly traces: readonly Uint8Array[];
}

export interface DepositMatch {
  /** What is to be kept. */
  readonly envelope: Uint8Array;
  /** Leaves that were made of it, by their position, and the keys they then stand under. */
  readonly leaves: readonly { readonly at: number; readonly keys: readonly string[] }[];
  /** Whether each signature of the envelope is one of those leaves'. */
  readonly everySignatureLogged: boolean;
}

/** Whoever reads what is handed in; nothing it says about signatures is believed before `matchDeposit`. */
export interface DepositChecker {
  /** @throws {Fault} json/…, entry/malformed, statement/too-many-subjects; entry/busy */
  readDeposit(body: Uint8Array): Promise<DepositFacts>;
  /** @throws {Fault} as `readDeposit` */
  matchDeposit(body: Uint8Array, leaves: readonly Uint8Array[]): Promise<DepositMatch>;
}

/** How a leaf may spell a signature: as it was sent, in its own base64, or in base64 once more (intoto 0.0.2). */
function tracesOf({ signatures, envelope }: Deposit): Uint8Array[] {
  const texts = signatures.flatMap(({ text, octets }) => [text, toBase64(octets), toBase64(fromUtf8(text))]);
  // intoto 0.0.1 holds the hash of the envelope instead.
  return [...new Set([...texts, toHex(sha256(envelope))])].map(fromUtf8);
}

export function depositFacts(body: Uint8Array): DepositFacts {
  const deposit = readDeposit(body);
  return {
    pae: paeOf(deposit),
    candidateKeys: candidateKeys(deposit),
    traces: tracesOf(deposit),
  };
}

export function matchDeposit(body: Uint8Array, leaves: readonly Uint8Array[]): DepositMatch {
  const deposit = readDeposit(body);
  const vouched = new Set<number>();
  const matched = leaves.flatMap((octets, at) => {
    const leaf = readLeaf(octets);
    const signatures = vouchedFor(deposit, leaf);
    for (const signature of signatures) vouched.add(signature);
    return signatures.size === 0 ? [] : [{ at, keys: indexKeysOf(leaf, deposit) }];
  });
  return {
    envelope: deposit.envelope,
    leaves: matched,
    everySignatureLogged: vouched.size === deposit.signatures.length,
  };
}
