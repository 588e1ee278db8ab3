/** The bytes of Rekor v1's answers; several clients read them at fixed offsets (CONTRACTS §3.3). */
import { Fault } from '#core/fault';
import { canonicalJson } from '#core/json';
import { toBase64, toHex } from '#core/octets';
import type { SignedHead } from '#tree';

export interface V1EntryFacts {
  readonly entryId: string;
  readonly body: Uint8Array;
  readonly integratedTime: bigint;
  readonly logId: string;
  /** Over all shards. */
  readonly virtualIndex: bigint;
  /** Absent where this log makes no such promises. */
  readonly set: Uint8Array | undefined;
  readonly index: bigint;
  readonly head: SignedHead;
  readonly proof: readonly Uint8Array[];
  readonly attestation?: Uint8Array | undefined;
}

/**
 * A number as this protocol says it: a JSON number, which its readers keep in 64-bit floating point.
 *
 * @throws {Fault} log/beyond-json: another number would be signed, or read, than is meant
 */
export function jsonNumber(value: bigint): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw new Fault(
    'refused',
    'log/beyond-json',
    `${value} cannot be said in this protocol, whose numbers end at 2^53; open a new shard`,
  );
}

/** What the signed entry timestamp is over (CONTRACTS §3.6). */
export function setPayload(
  body: Uint8Array,
  integratedTime: bigint,
  logId: string,
  virtualIndex: bigint,
): Uint8Array {
  return canonicalJson({
    body: toBase64(body),
    integratedTime: jsonNumber(integratedTime),
    logID: logId,
    logIndex: jsonNumber(virtualIndex),
  });
}

/** One entry as an object with exactly one member; compact, without the final newline. */
export function formatV1Entry(facts: V1EntryFacts): string {
  const { head } = facts;
  return JSON.stringify({
    [facts.entryId]: {
      ...(facts.attestation === undefined ? {} : { attestation: { data: toBase64(facts.attestation) } }),
      body: toBase64(facts.body),
      integratedTime: jsonNumber(facts.integratedTime),
      logID: facts.logId,
      logIndex: jsonNumber(facts.virtualIndex),
      verification: {
        inclusionProof: {
          checkpoint: head.note,
          hashes: facts.proof.map(toHex),
          logIndex: jsonNumber(facts.index),
          rootHash: toHex(head.root),
          treeSize: jsonNumber(head.size),
        },
        ...(facts.set === undefined ? {} : { signedEntryTimestamp: toBase64(facts.set) }),
      },
    },
  });
}
