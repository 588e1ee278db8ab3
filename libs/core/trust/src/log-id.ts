import { parsePublicKey, sha256 } from '#core/crypto';
import { Fault } from '#core/fault';
import { concat, fromBase64, fromUtf8 } from '#core/octets';
import type { PublicKeyFact } from './material.js';

/** Id of a certificate log (RFC 6962 §3.2) or of a v1 log: the hash of its key, whatever its kind. */
export function keyHashLogId(key: PublicKeyFact): Uint8Array {
  return sha256(fromBase64(key.spki));
}

/**
 * Id of a v2 log, whose first four octets are the key hint in its checkpoints (CONTRACTS §4.4). With
 * Ed25519 it depends on the origin: the hash of `origin || LF || 0x01 || key` (C2SP signed-note).
 *
 * @throws {Fault} trust/log-key for kinds that no v2 log of ours has
 */
export function checkpointLogId(origin: string, key: PublicKeyFact): Uint8Array {
  const spki = fromBase64(key.spki);
  const { kind } = parsePublicKey(spki);
  if (kind === 'ed25519') return sha256(concat(fromUtf8(`${origin}\n`), Uint8Array.of(1), spki.subarray(-32)));
  if (kind === 'ec-p256') return sha256(spki);
  throw new Fault('refused', 'trust/log-key', 'a log signs its checkpoints with ECDSA P-256 or Ed25519');
}
