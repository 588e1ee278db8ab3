/**
 * What a certificate log signs and stores (RFC 6962 §3.1, §3.4, §3.5, §4.6).
 *
 * Letters of the RFC: `timestamp` is in milliseconds; `entry_type` is 0 for a certificate and 1 for a
 * precertificate; for the latter the log promises for the TBS without poison, together with the hash of the
 * key that will issue the final certificate, so that the promise cannot be moved to another issuer.
 */
import { bigEndian, concat } from '#core/octets';
import { vector } from './tls.js';

/** What the promise is for. */
export type LogEntry =
  | { readonly kind: 'certificate'; readonly der: Uint8Array }
  | {
      readonly kind: 'precertificate';
      /** SHA-256 over the issuer's SubjectPublicKeyInfo. */
      readonly issuerKeyHash: Uint8Array;
      /** TBS without poison and without SCT list. */
      readonly tbs: Uint8Array;
    };

const VERSION_1 = Uint8Array.of(0);
const CERTIFICATE_TIMESTAMP = Uint8Array.of(0);
const TREE_HASH = Uint8Array.of(1);
const TIMESTAMPED_ENTRY = Uint8Array.of(0);
const NO_EXTENSIONS = new Uint8Array();

/** From `timestamp` to `extensions`, in which the signed input and the leaf are the same. */
function timestamped(timestampMs: bigint, entry: LogEntry, extensions: Uint8Array): Uint8Array {
  const time = bigEndian(timestampMs, 8);
  const end = vector(2, extensions);
  if (entry.kind === 'certificate') return concat(time, bigEndian(0, 2), vector(3, entry.der), end);
  if (entry.issuerKeyHash.length !== 32) throw new RangeError('an issuer key hash has 32 octets');
  return concat(time, bigEndian(1, 2), entry.issuerKeyHash, vector(3, entry.tbs), end);
}

/** The octets that the log signs for an SCT (RFC 6962 §3.2). */
export function sctSignedInput(
  timestampMs: bigint,
  entry: LogEntry,
  extensions: Uint8Array = NO_EXTENSIONS,
): Uint8Array {
  return concat(VERSION_1, CERTIFICATE_TIMESTAMP, timestamped(timestampMs, entry, extensions));
}

/** MerkleTreeLeaf: what is hashed into the tree, and `leaf_input` of get-entries (RFC 6962 §3.4). */
export function merkleTreeLeaf(
  timestampMs: bigint,
  entry: LogEntry,
  extensions: Uint8Array = NO_EXTENSIONS,
): Uint8Array {
  return concat(VERSION_1, TIMESTAMPED_ENTRY, timestamped(timestampMs, entry, extensions));
}

/** `extra_data` of get-entries for a certificate: its issuers up to the root (RFC 6962 §4.6). */
export function certificateExtraData(chain: readonly Uint8Array[]): Uint8Array {
  return vector(3, ...chain.map((der) => vector(3, der)));
}

/** `extra_data` of get-entries for a precertificate: PrecertChainEntry (RFC 6962 §3.1, §4.6). */
export function precertificateExtraData(
  precertificate: Uint8Array,
  chain: readonly Uint8Array[],
): Uint8Array {
  return concat(vector(3, precertificate), certificateExtraData(chain));
}

/** The octets that the log signs for a tree head (RFC 6962 §3.5). */
export function sthSignedInput(timestampMs: bigint, treeSize: bigint, root: Uint8Array): Uint8Array {
  if (root.length !== 32) throw new RangeError('a tree root has 32 octets');
  return concat(VERSION_1, TREE_HASH, bigEndian(timestampMs, 8), bigEndian(treeSize, 8), root);
}
