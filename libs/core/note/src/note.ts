/**
 * The syntax of signed notes (C2SP signed-note):
 *
 *     text, which ends in a newline
 *     (an empty line)
 *     — <name> <base64 of four octets of hint and the signature>      one line or more
 *
 * What is signed is the text with its last newline and without the empty line.
 */
import { Fault } from '#core/fault';
import { concat, fromBase64, fromUtf8, toBase64, toUtf8 } from '#core/octets';

export interface NoteSignature {
  /** Name of the key, by convention the same as the log's origin. */
  readonly name: string;
  /** Four octets that hint at the key; they prove nothing. */
  readonly hint: Uint8Array;
  readonly signature: Uint8Array;
}

export interface Note {
  /** Ends in a newline; exactly what the signatures are over. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

const HINT_SIZE = 4;
/** The reference implementation's limits: a reader must tolerate 16 signatures and may stop at some number. */
const MAX_SIGNATURES = 100;
const MAX_BYTES = 1_000_000;
const NAME = /^[^\s\u0085\p{Z}+]+$/u;
const CONTROL = /[\u0000-\u0009\u000b-\u001f]/;
const UNPAIRED_SURROGATE = /\p{Surrogate}/u;
const SIGNATURE_LINE = /^\u2014 (\S+) ([A-Za-z0-9+/]+={0,2})$/u;

function malformed(what: string): Fault {
  return new Fault('malformed', 'note/malformed', `not a signed note: ${what}`);
}

function assertText(text: string): void {
  if (!text.endsWith('\n') || CONTROL.test(text) || UNPAIRED_SURROGATE.test(text)) {
    throw malformed('the text ends in a newline and has no other control characters');
  }
}

function assertSignature({ name, hint, signature }: NoteSignature): void {
  if (!NAME.test(name)) throw malformed('a key name is not empty and has no space and no plus sign');
  if (hint.length !== HINT_SIZE || signature.length === 0)
    throw malformed('a signature line carries too little');
}

function parseSignatureLine(line: string): NoteSignature {
  const [, name = '', encoded = ''] = SIGNATURE_LINE.exec(line) ?? [];
  let octets: Uint8Array;
  try {
    octets = fromBase64(encoded);
  } catch {
    throw malformed('a signature is not base64');
  }
  const signature = { name, hint: octets.subarray(0, HINT_SIZE), signature: octets.subarray(HINT_SIZE) };
  assertSignature(signature);
  return signature;
}

/** @throws {Fault} note/malformed */
export function parseNote(note: Uint8Array | string): Note {
  if (note.length > MAX_BYTES) throw malformed(`it is longer than ${MAX_BYTES}`);
  let whole: string;
  try {
    whole = typeof note === 'string' ? note : toUtf8(note);
  } catch {
    throw malformed('it is not UTF-8');
  }
  assertText(whole);
  // The text may hold empty lines of its own, so the last one is where the signatures begin.
  const gap = whole.lastIndexOf('\n\n');
  const lines = whole.slice(gap + 2).split('\n');
  if (gap < 0 || lines.length < 2) throw malformed('there is no signature');
  if (lines.length - 1 > MAX_SIGNATURES) throw malformed(`it has more than ${MAX_SIGNATURES} signatures`);
  return { text: whole.slice(0, gap + 1), signatures: lines.slice(0, -1).map(parseSignatureLine) };
}

/** The inverse of `parseNote`. @throws {Fault} note/malformed if the parts could not be read back */
export function formatNote(note: Note): string {
  assertText(note.text);
  if (note.signatures.length === 0) throw malformed('there is no signature');
  const lines = note.signatures.map((one) => {
    assertSignature(one);
    return `\u2014 ${one.name} ${toBase64(concat(one.hint, one.signature))}\n`;
  });
  return `${note.text}\n${lines.join('')}`;
}

/**
 * The note over `text` with one signature, which callers must have made over the UTF-8 octets of `text`.
 *
 * @throws {Fault} note/malformed
 */
export function signNote(text: string, name: string, hint: Uint8Array, signature: Uint8Array): string {
  return formatNote({ text, signatures: [{ name, hint, signature }] });
}

/** The octets that the signatures of a note are over. */
export function signedOctets(note: Note): Uint8Array {
  return fromUtf8(note.text);
}

/** @throws {Fault} note/malformed unless `name` can stand on a signature line */
export function assertKeyName(name: string): void {
  if (!NAME.test(name)) throw malformed('a key name is not empty and has no space and no plus sign');
}
