/**
 * Signed notes and the checkpoints in them (C2SP signed-note and tlog-checkpoint).
 *
 * This library never signs: callers have a Signer sign the octets of the text and hand in the signature.
 */
export { formatNote, parseNote, signNote, type Note, type NoteSignature } from './note.js';
export { verifyNote, type NoteVerifier } from './verify.js';
export { formatCheckpoint, parseCheckpoint, v1Origin, type Checkpoint } from './checkpoint.js';
export { keyHint, logVerifier, logVerifierV1, parseVerifierKey, v1LogId, v2LogId } from './key-id.js';
