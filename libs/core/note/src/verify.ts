import { Fault } from '#core/fault';
import { equalOctets, toHex } from '#core/octets';
import { signedOctets, type Note, type NoteSignature } from './note.js';

/** A key that a reader trusts under a name. */
export interface NoteVerifier {
  readonly name: string;
  readonly hint: Uint8Array;
  /** Must throw a Fault unless `signature` is this key's over `message`. */
  verify(message: Uint8Array, signature: Uint8Array): void;
}

function matches(verifier: NoteVerifier, line: NoteSignature): boolean {
  return verifier.name === line.name && equalOctets(verifier.hint, line.hint);
}

/**
 * Checks every line of `note` that names a key of `verifiers` and returns those lines, one per key.
 *
 * Lines of unknown keys are passed over: they may be cosignatures for somebody else. A line that names a
 * trusted key and does not verify spoils the note, as in the reference implementation.
 *
 * @throws {Fault} note/bad-signature, note/ambiguous-key; note/unverified if no trusted key signed
 */
export function verifyNote(note: Note, verifiers: readonly NoteVerifier[]): readonly NoteSignature[] {
  const message = signedOctets(note);
  const verified = new Map<NoteVerifier, NoteSignature>();
  for (const line of note.signatures) {
    const [verifier, other] = verifiers.filter((candidate) => matches(candidate, line));
    if (verifier === undefined || verified.has(verifier)) continue;
    const key = `${line.name}+${toHex(line.hint)}`;
    if (other !== undefined)
      throw new Fault('refused', 'note/ambiguous-key', `two trusted keys are called ${key}`);
    try {
      verifier.verify(message, line.signature);
    } catch (cause) {
      throw new Fault('unverified', 'note/bad-signature', `invalid signature for key ${key}`, { cause });
    }
    verified.set(verifier, line);
  }
  if (verified.size === 0) {
    throw new Fault('unverified', 'note/unverified', 'the note has no signature of a trusted key');
  }
  return [...verified.values()];
}
