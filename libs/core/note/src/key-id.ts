/**
 * How keys are named in notes, in the two dialects of Rekor.
 *
 *   v1: SHA-256 of the SubjectPublicKeyInfo, whatever the key
 *   v2: the same for ECDSA; for Ed25519 and RSA the hash that C2SP signed-note prescribes, which takes in the
 *       name of the key, hence the host name of the log
 *
 * All 32 octets are the log ID in answers and trust roots; the first four are the hint in the note.
 */
import { parsePublicKey, sha256, verifySignature, type PublicKey } from '#core/crypto';
import { Fault } from '#core/fault';
import { concat, equalOctets, fromBase64, fromHex, fromUtf8 } from '#core/octets';
import { assertKeyName } from './note.js';
import type { NoteVerifier } from './verify.js';

const NEWLINE = Uint8Array.of(0x0a);
const ED25519 = Uint8Array.of(0x01);
const RSA = concat(Uint8Array.of(0xff), fromUtf8('PKIX-RSA-PKCS#1v1.5'));
/** SubjectPublicKeyInfo of an Ed25519 key (RFC 8410 §4), up to the 32 octets of the key. */
const ED25519_SPKI_PREFIX = fromHex('302a300506032b6570032100');

/** Log ID of a Rekor v1 log. */
export function v1LogId(key: PublicKey): Uint8Array {
  return sha256(key.spki);
}

/** Log ID of a Rekor v2 log that calls itself `name`. */
export function v2LogId(name: string, key: PublicKey): Uint8Array {
  switch (key.kind) {
    case 'ed25519':
      return sha256(concat(fromUtf8(name), NEWLINE, ED25519, key.spki.subarray(ED25519_SPKI_PREFIX.length)));
    case 'rsa':
      return sha256(concat(fromUtf8(name), NEWLINE, RSA, key.spki));
    case 'ec-p256':
    case 'ec-p384':
    case 'ec-p521':
      return sha256(key.spki);
  }
}

/** What stands before the signature in a note. */
export function keyHint(logId: Uint8Array): Uint8Array {
  return logId.slice(0, 4);
}

/** Trust in `key` for the notes of a Rekor v1 log on `host`. @throws {Fault} note/malformed */
export function logVerifierV1(host: string, key: PublicKey): NoteVerifier {
  assertKeyName(host);
  return {
    name: host,
    hint: keyHint(v1LogId(key)),
    verify: (message, signature) => verifySignature(key, message, signature),
  };
}

/** Trust in `key` for the notes of a Rekor v2 log called `name`. @throws {Fault} note/malformed */
export function logVerifier(name: string, key: PublicKey): NoteVerifier {
  assertKeyName(name);
  return {
    name,
    hint: keyHint(v2LogId(name, key)),
    verify: (message, signature) => verifySignature(key, message, signature),
  };
}

/**
 * Reads a verifier key, `<name>+<hint in hex>+<base64 of algorithm and key>` (C2SP signed-note), as witnesses
 * publish theirs. Only Ed25519 (0x01) is known.
 *
 * @throws {Fault} note/verifier-key
 */
export function parseVerifierKey(text: string): NoteVerifier {
  const malformed = new Fault(
    'malformed',
    'note/verifier-key',
    'expected <name>+<hint>+<key> of an Ed25519 key',
  );
  const [, name = '', hint = '', encoded = ''] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(text) ?? [];
  try {
    const octets = fromBase64(encoded);
    if (octets.length !== 33 || octets[0] !== ED25519[0]) throw malformed;
    const verifier = logVerifier(name, parsePublicKey(concat(ED25519_SPKI_PREFIX, octets.subarray(1))));
    if (!equalOctets(verifier.hint, fromHex(hint))) throw malformed;
    return verifier;
  } catch (cause) {
    throw new Fault(malformed.kind, malformed.code, malformed.message, { cause });
  }
}
