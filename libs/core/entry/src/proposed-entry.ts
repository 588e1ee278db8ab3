import type { JsonObject } from '#core/json';

export interface Attestation {
  /** `sha256:` and the digest of `data` in hex. */
  readonly key: string;
  readonly data: Uint8Array;
}

/** What a DSSE envelope carries, for whoever keeps statements; no part of the leaf. */
export interface Statement {
  readonly payloadType: string;
  readonly payload: Uint8Array;
}

export interface ProposedEntry {
  readonly kind: string;
  readonly version: string;
  /** The leaf: canonical JSON (RFC 8785). */
  readonly canonical: Uint8Array;
  /** Lower case, without repetition; look-ups must lower the case of what they look for. */
  readonly searchKeys: readonly string[];
  /** What Rekor v1 answers beside the entry (intoto kinds up to 100 KiB). */
  readonly attestation?: Attestation;
  readonly statement?: Statement;
  /**
   * Checks every signature; returning is the verdict. Callers must not append the entry before.
   *
   * @throws {Fault} entry/signature, entry/chain
   */
  verify(): void;
}

/** One kind and version: how its `spec` becomes an entry, or, for look-ups, canonical octets alone. */
export interface EntryKind {
  readonly kind: string;
  readonly version: string;
  read(spec: JsonObject): ProposedEntry;
  /** Also takes the form an entry has once it is in the log; checks no more than it must. */
  canonicalise(spec: JsonObject): Uint8Array;
}
