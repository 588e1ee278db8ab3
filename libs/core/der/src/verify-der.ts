import { Fault } from '#core/fault';
import { DerReader } from './reader.js';
import { TAG } from './tag.js';

/** Deeper than any certificate or token; a bound so that hostile nesting cannot exhaust the stack. */
const MAX_DEPTH = 32;

/** How each universal primitive proves that it is canonical. */
const CHECKS: Readonly<Record<number, (reader: DerReader) => unknown>> = {
  [TAG.BOOLEAN]: (reader) => reader.boolean(),
  [TAG.INTEGER]: (reader) => reader.integerOctets(),
  [TAG.ENUMERATED]: (reader) => reader.integerOctets(TAG.ENUMERATED),
  [TAG.BIT_STRING]: (reader) => reader.bits(),
  [TAG.NULL]: (reader) => reader.nullValue(),
  [TAG.OID]: (reader) => reader.oid(),
  [TAG.UTF8_STRING]: (reader) => reader.utf8(),
};

/**
 * Proves that `der` is one element of DER at every depth that tags can show.
 *
 * What is wrapped in an OCTET STRING or an implicit primitive tag is not entered: only its reader knows
 * whether there is structure in it.
 *
 * @throws {Fault} der/… naming the first rule that is broken
 */
export function verifyDer(der: Uint8Array): void {
  const reader = new DerReader(der);
  verifyElement(reader, 0);
  reader.finish();
}

function verifyElement(reader: DerReader, depth: number): void {
  if (depth > MAX_DEPTH)
    throw new Fault('malformed', 'der/depth', `more than ${MAX_DEPTH} structures inside each other`);
  const tag = reader.peek() ?? 0;
  if ((tag & 0x20) === 0) {
    const check = CHECKS[tag];
    if (check === undefined) reader.element();
    else check(reader);
    return;
  }
  const inner = new DerReader(reader.element().content);
  while (!inner.atEnd) verifyElement(inner, depth + 1);
}
