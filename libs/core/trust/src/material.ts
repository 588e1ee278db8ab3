/**
 * The public facts that trust files are compiled from.
 *
 * These are the parts of what a ceremony wrote (`trust-material.json`) that a verifier may see; the file
 * itself fits this shape. Everything is base64 DER and RFC 3339 text, so that compiling is a function of the
 * file and of nothing else.
 */
export interface PublicKeyFact {
  readonly algorithm: string;
  /** SubjectPublicKeyInfo, base64 DER. */
  readonly spki: string;
}

export interface Window {
  readonly start: string;
  readonly end?: string | undefined;
}

export interface AuthorityFact extends Window {
  /** Base64 DER: issuing certificate or timestamp leaf first, self-signed root last. */
  readonly chain: readonly string[];
  readonly url: string;
}

export interface LogFact extends Window {
  readonly url: string;
  readonly key: PublicKeyFact;
}

/** A log with checkpoints: its origin goes into the key id of some algorithms (CONTRACTS §4.4). */
export interface CheckpointLogFact extends LogFact {
  readonly origin: string;
}

export interface PublicMaterial {
  readonly organisation: string;
  readonly createdAt: string;
  readonly certificateAuthorities: readonly AuthorityFact[];
  readonly timestampAuthorities: readonly AuthorityFact[];
  readonly ctLogs: readonly LogFact[];
  readonly rekorV1: readonly CheckpointLogFact[];
  readonly rekorV2: readonly CheckpointLogFact[];
  readonly issuer?: { readonly url: string } | undefined;
}
