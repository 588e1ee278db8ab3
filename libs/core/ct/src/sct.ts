/**
 * Signed certificate timestamps as bytes (RFC 6962 §3.2, §3.3).
 *
 * Only ECDSA with SHA-256 is written: no client that we know of verifies all others (CONTRACTS §0.4).
 */
import { octetString, DerReader } from '#core/der';
import { type PublicKey, sha256, verifySignature } from '#core/crypto';
import { Fault } from '#core/fault';
import { bigEndian, concat, equalOctets } from '#core/octets';
import { type LogEntry, sctSignedInput } from './entry.js';
import { TlsReader, vector } from './tls.js';

export interface Sct {
  /** SHA-256 of the log's SubjectPublicKeyInfo. */
  readonly logId: Uint8Array;
  readonly timestampMs: bigint;
  /** Empty for every log of ours. */
  readonly extensions: Uint8Array;
  /** DER ECDSA-Sig-Value. */
  readonly signature: Uint8Array;
}

const [SHA256, ECDSA] = [4, 3];

/** The log's name in its SCTs: SHA-256 of its SubjectPublicKeyInfo. */
export function logIdOf(spki: Uint8Array): Uint8Array {
  return sha256(spki);
}

/** TLS DigitallySigned around a DER ECDSA signature over SHA-256; also `tree_head_signature` of get-sth. */
export function digitallySigned(signature: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(SHA256, ECDSA), vector(2, signature));
}

/** The serialized SCT. */
export function formatSct(sct: Omit<Sct, 'extensions'> & { readonly extensions?: Uint8Array }): Uint8Array {
  if (sct.logId.length !== 32) throw new RangeError('a log id has 32 octets');
  return concat(
    Uint8Array.of(0),
    sct.logId,
    bigEndian(sct.timestampMs, 8),
    vector(2, sct.extensions ?? new Uint8Array()),
    digitallySigned(sct.signature),
  );
}

/** @throws {Fault} ct/truncated, ct/trailing; ct/sct for another version or algorithm */
export function parseSct(bytes: Uint8Array): Sct {
  const reader = new TlsReader(bytes);
  const version = reader.number(1);
  const logId = reader.take(32);
  const timestampMs = reader.number(8);
  const extensions = reader.vector(2);
  const algorithm = reader.take(2);
  const signature = reader.vector(2);
  reader.finish();
  if (version !== 0n || algorithm[0] !== SHA256 || algorithm[1] !== ECDSA) {
    throw new Fault('malformed', 'ct/sct', 'expected an SCT of version 1, signed with ECDSA and SHA-256');
  }
  return { logId, timestampMs, extensions, signature };
}

/**
 * The value of the SCT list extension: an OCTET STRING around the TLS list (RFC 6962 §3.3).
 * Clients disagree about lists of several, so issuers must hand in exactly one (CONTRACTS §0.3).
 */
export function sctListExtension(scts: readonly Uint8Array[]): Uint8Array {
  return octetString(vector(2, ...scts.map((sct) => vector(2, sct))));
}

/** The serialized SCTs in the value of an SCT list extension. @throws {Fault} der/…, ct/… */
export function parseSctListExtension(value: Uint8Array): Uint8Array[] {
  const wrapper = new DerReader(value);
  const outer = new TlsReader(wrapper.octets());
  wrapper.finish();
  const list = new TlsReader(outer.vector(2));
  outer.finish();
  const scts: Uint8Array[] = [];
  while (!list.atEnd) scts.push(list.vector(2));
  return scts;
}

/**
 * Proves that the log with this key promised for `entry`.
 *
 * @throws {Fault} ct/other-log if the SCT names another log, crypto/signature-mismatch
 */
export function verifySct(sct: Sct, entry: LogEntry, logKey: PublicKey): void {
  if (!equalOctets(sct.logId, logIdOf(logKey.spki))) {
    throw new Fault('unverified', 'ct/other-log', 'the promise was made by another certificate log');
  }
  verifySignature(logKey, sctSignedInput(sct.timestampMs, entry, sct.extensions), sct.signature, 'sha256');
}
