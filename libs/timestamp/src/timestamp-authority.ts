/**
 * The timestamp authorities of this installation, as its ceremonies made them: which one stamps now, and the
 * chain to publish.
 */
import { Fault } from '#core/fault';
import { equalOctets, fromBase64 } from '#core/octets';
import { type Certificate, parseCertificate, verifyChain } from '#core/x509';
import type { Signer } from '#hsm';
import type { TrustMaterial } from '#instance';

type AuthorityRecord = TrustMaterial['timestampAuthorities'][number];

export interface TimestampAuthority {
  readonly leaf: Certificate;
  /** Leaf first, self-signed root last. */
  readonly chain: readonly Certificate[];
  /** Asked at each stamp, so that a token that comes back is used at once. */
  signer(): Promise<Signer>;
  readonly startsMs: number;
  readonly endsMs: number;
  /** Last instant at which every certificate of the chain is valid. */
  readonly validUntilMs: number;
}

/** @throws {Fault} timestamp/chain if the trust material does not hold together */
export function timestampAuthority(
  record: AuthorityRecord,
  signer: () => Promise<Signer>,
): TimestampAuthority {
  const chain = record.chain.map((der) => parseCertificate(fromBase64(der)));
  const [leaf] = chain;
  if (leaf === undefined || !equalOctets(leaf.spki, fromBase64(record.key.spki))) {
    throw new Fault(
      'corrupt',
      'timestamp/chain',
      'the timestamp certificate and the key in the trust material do not belong together',
    );
  }
  verifyChain(chain);
  return {
    leaf,
    chain,
    signer,
    startsMs: Date.parse(record.start),
    endsMs: record.end === undefined ? Number.POSITIVE_INFINITY : Date.parse(record.end),
    validUntilMs: Math.min(...chain.map(({ notAfterMs }) => notAfterMs)),
  };
}

/** Opens a key when it is first needed and keeps it; a failure is not kept, so the next stamp asks again. */
export function openedOnce<S extends Signer>(open: () => Promise<S>): () => Promise<S> {
  let opened: Promise<S> | undefined;
  return () =>
    (opened ??= open().catch((error: unknown) => {
      opened = undefined;
      throw error;
    }));
}

/** The youngest authority whose window and certificates hold at `nowMs`. @throws {Fault} timestamp/none-in-force */
export function authorityInForce(all: readonly TimestampAuthority[], nowMs: number): TimestampAuthority {
  const [youngest] = all
    .filter(({ startsMs, endsMs, leaf, validUntilMs }) => {
      const inWindow = startsMs <= nowMs && nowMs < endsMs;
      return inWindow && leaf.notBeforeMs <= nowMs && nowMs <= validUntilMs;
    })
    .toSorted((a, b) => b.startsMs - a.startsMs);
  if (youngest === undefined) {
    throw new Fault('unavailable', 'timestamp/none-in-force', 'no timestamp authority is in force now');
  }
  return youngest;
}
