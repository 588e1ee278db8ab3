/**
 * The text of a checkpoint (C2SP tlog-checkpoint): origin, size and root, one line each, and possibly
 * extension lines, which our logs never write, since several clients refuse them.
 */
import { Fault } from '#core/fault';
import { fromBase64, toBase64 } from '#core/octets';

export interface Checkpoint {
  readonly origin: string;
  readonly size: bigint;
  readonly root: Uint8Array;
  /** Lines after the root, without their newlines; never empty strings. */
  readonly extensions?: readonly string[];
}

const SIZE = /^(?:0|[1-9][0-9]{0,18})$/;
const ROOT_SIZE = 32;
const CONTROL = /[\u0000-\u001f]/;
const MAX_SIZE = (1n << 63n) - 1n;

function malformed(what: string): Fault {
  return new Fault('malformed', 'note/checkpoint', `not a checkpoint: ${what}`);
}

function assertLine(line: string): void {
  if (line === '' || CONTROL.test(line)) throw malformed('a line is empty or holds a control character');
}

/** Origin of a Rekor v1 log: `<host> - <tree id in decimal>`. */
export function v1Origin(host: string, treeId: bigint): string {
  return `${host} - ${treeId}`;
}

/** The text to sign. @throws {Fault} note/checkpoint if the parts could not be read back */
export function formatCheckpoint({ origin, size, root, extensions = [] }: Checkpoint): string {
  const lines = [origin, size.toString(), toBase64(root), ...extensions];
  lines.forEach(assertLine);
  if (size < 0n || size > MAX_SIZE) throw malformed('the size is out of range');
  if (root.length !== ROOT_SIZE) throw malformed(`the root has ${ROOT_SIZE} octets`);
  return `${lines.join('\n')}\n`;
}

/** The inverse of `formatCheckpoint`, over the text of a note. @throws {Fault} note/checkpoint */
export function parseCheckpoint(text: string): Required<Checkpoint> {
  const [origin, sizeText, rootText, ...rest] = text.split('\n');
  if (origin === undefined || sizeText === undefined || rootText === undefined || rest.pop() !== '') {
    throw malformed('it has an origin, a size and a root, one line each');
  }
  [origin, ...rest].forEach(assertLine);
  if (!SIZE.test(sizeText)) throw malformed('the size is not a decimal number');
  const size = BigInt(sizeText);
  if (size > MAX_SIZE) throw malformed('the size is out of range');
  let root: Uint8Array;
  try {
    root = fromBase64(rootText);
  } catch {
    throw malformed('the root is not base64');
  }
  if (root.length !== ROOT_SIZE) throw malformed(`the root has ${ROOT_SIZE} octets`);
  return { origin, size, root, extensions: rest };
}
