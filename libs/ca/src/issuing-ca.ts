/**
 * The CAs of this installation, as its ceremonies made them: which one issues now, and the chains to publish.
 *
 * Rotation adds an entry and ends the window of the one before, so old chains stay published for as long as what
 * they issued must verify.
 */
import { Fault } from '#core/fault';
import { equalOctets, fromBase64 } from '#core/octets';
import { type Certificate, parseCertificate, verifyChain } from '#core/x509';
import type { Signer } from '#hsm';
import type { TrustMaterial } from '#instance';

type Authority = TrustMaterial['certificateAuthorities'][number];

/** The issuing key, once for each of the two things that it signs. */
export interface IssuingSigners {
  readonly precertificate: Signer;
  readonly certificate: Signer;
}

export interface IssuingCa {
  /** The certificate whose key signs leaves. */
  readonly certificate: Certificate;
  /** Issuing certificate first, self-signed root last. */
  readonly chain: readonly Certificate[];
  /** Resolves to the key; asked at each issuance, so that a token that comes back is used at once. */
  signers(): Promise<IssuingSigners>;
  readonly startsMs: number;
  readonly endsMs: number;
}

/** @throws {Fault} ca/chain if the trust material does not hold together */
export function issuingCa(authority: Authority, signers: () => Promise<IssuingSigners>): IssuingCa {
  const chain = authority.chain.map((der) => parseCertificate(fromBase64(der)));
  const [certificate] = chain;
  if (certificate === undefined || !equalOctets(certificate.spki, fromBase64(authority.key.spki))) {
    throw new Fault(
      'corrupt',
      'ca/chain',
      'the issuing certificate and the key in the trust material do not belong together',
    );
  }
  verifyChain(chain);
  return {
    certificate,
    chain,
    signers,
    startsMs: Date.parse(authority.start),
    endsMs: authority.end === undefined ? Number.POSITIVE_INFINITY : Date.parse(authority.end),
  };
}

/** Opens a key when it is first needed and keeps it; a failure is not kept, so the next issuance asks again. */
export function openedOnce<T>(open: () => Promise<T>): () => Promise<T> {
  let opened: Promise<T> | undefined;
  return () =>
    (opened ??= open().catch((error: unknown) => {
      opened = undefined;
      throw error;
    }));
}

/** How long a leaf is valid (CONTRACTS §1.6). */
export const VALIDITY_MS = 10 * 60_000;

/** The youngest CA whose window holds `nowMs` and that outlives what it would issue now. @throws {Fault} ca/none-in-force */
export function caInForce(all: readonly IssuingCa[], nowMs: number): IssuingCa {
  const [youngest] = all
    .filter(
      (ca) => ca.startsMs <= nowMs && nowMs < ca.endsMs && nowMs + VALIDITY_MS <= ca.certificate.notAfterMs,
    )
    .toSorted((a, b) => b.startsMs - a.startsMs);
  if (youngest === undefined)
    throw new Fault('unavailable', 'ca/none-in-force', 'no certificate authority is in force now');
  return youngest;
}
