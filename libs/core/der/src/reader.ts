/**
 * Reads DER, and only DER.
 *
 * BER lets one value be spelled in many ways; a log that accepted two spellings would count one thing twice,
 * and two parsers that disagree about a spelling are how forged certificates pass. So lengths are definite
 * and minimal, integers too, booleans are 00 or ff, unused bits are zero, and nothing may follow what was
 * expected. Callers must end every structure with `finish()`.
 *
 * Every refusal is a Fault of kind `malformed` with code `der/…`; no input makes the reader throw anything else.
 */
import { Fault } from '#core/fault';
import { compareOctets, fromBigEndian, toUtf8 } from '#core/octets';
import { dottedOid } from './oid.js';
import { contextConstructed, TAG } from './tag.js';
import { parseGeneralizedTime, parseUtcTime, isUtcTimeYear } from './time.js';

/** One element; its octets are views into what was read, made when they are asked for. */
export class DerElement {
  readonly tag: number;
  readonly #bytes: Uint8Array;
  readonly #start: number;
  readonly #from: number;
  readonly #end: number;

  constructor(tag: number, bytes: Uint8Array, start: number, from: number, end: number) {
    this.tag = tag;
    this.#bytes = bytes;
    this.#start = start;
    this.#from = from;
    this.#end = end;
  }

  get content(): Uint8Array {
    return this.#bytes.subarray(this.#from, this.#end);
  }

  /** Tag, length and content, as they stood. */
  get encoding(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#end);
  }

  /** A reader over the content. */
  get members(): DerReader {
    return new DerReader(this.#bytes, this.#from, this.#end);
  }
}

export interface Bits {
  readonly octets: Uint8Array;
  /** How many bits of the last octet do not count, 0 to 7; they are zero. */
  readonly unused: number;
}

function malformed(code: string, message: string): Fault {
  return new Fault('malformed', `der/${code}`, message);
}

const cutOff = (): Fault => malformed('truncated', 'the DER structure is cut off');

/** A cursor over the members of one structure; views into the input, nothing is copied. */
export class DerReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;

  /** Reads `bytes`, or the part of them from `start` up to but not including `end`. */
  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  get atEnd(): boolean {
    return this.#at >= this.#end;
  }

  /** Identifier octet of the next element, or `undefined` at the end. */
  peek(): number | undefined {
    return this.#at < this.#end ? this.#bytes[this.#at] : undefined;
  }

  /** The next element, whatever it is. */
  element(): DerElement {
    const start = this.#at;
    const tag = this.#octet();
    if ((tag & 0x1f) === 0x1f) throw malformed('tag', 'tag numbers above 30 do not occur in what we read');
    let length = this.#octet();
    if (length >= 0x80) {
      const count = length & 0x7f;
      if (count === 0) throw malformed('length', 'DER has no indefinite lengths');
      if (count > 4) throw malformed('length', 'a length of more than 4 octets cannot be meant');
      length = 0;
      for (let i = 0; i < count; i++) length = length * 256 + this.#octet();
      if (length < 0x80 || length < 256 ** (count - 1))
        throw malformed('length', 'a length is not in its shortest form');
    }
    const from = this.#at;
    if (length > this.#end - from) throw cutOff();
    this.#at = from + length;
    return new DerElement(tag, this.#bytes, start, from, this.#at);
  }

  #octet(): number {
    const octet = this.peek();
    if (octet === undefined) throw cutOff();
    this.#at++;
    return octet;
  }

  /** The next element, which must have this tag. */
  expect(tag: number): DerElement {
    const found = this.peek();
    if (found === undefined) throw cutOff();
    if (found !== tag) {
      const hex = (value: number): string => value.toString(16).padStart(2, '0');
      throw malformed('unexpected', `expected a DER element with tag ${hex(tag)} and found ${hex(found)}`);
    }
    return this.element();
  }

  /** The result of `read` if the next element has this tag, else `undefined`; the cursor stays then. */
  optional<T>(tag: number, read: (reader: this) => T): T | undefined {
    return this.peek() === tag ? read(this) : undefined;
  }

  /** A reader over the content of the next element. */
  inside(tag: number): DerReader {
    return this.expect(tag).members;
  }

  sequence(): DerReader {
    return this.inside(TAG.SEQUENCE);
  }

  /** A reader over `[number] EXPLICIT`. */
  explicit(number: number): DerReader {
    return this.inside(contextConstructed(number));
  }

  /** The members of a SET OF, which must stand in ascending order (X.690 §11.6). */
  setOf(tag: number = TAG.SET): DerElement[] {
    const inner = this.inside(tag);
    const members: DerElement[] = [];
    while (!inner.atEnd) {
      const next = inner.element();
      const last = members.at(-1);
      if (last !== undefined && compareOctets(last.encoding, next.encoding) > 0) {
        throw malformed('set-order', 'the members of a SET OF are not in ascending order');
      }
      members.push(next);
    }
    return members;
  }

  /** Content octets of an INTEGER, two's complement, minimal. */
  integerOctets(tag: number = TAG.INTEGER): Uint8Array {
    const { content } = this.expect(tag);
    const [first, second] = content;
    if (first === undefined) throw malformed('integer', 'an integer has at least one octet');
    if (second !== undefined && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))) {
      throw malformed('integer', 'an integer is not in its shortest form');
    }
    return content;
  }

  integer(tag: number = TAG.INTEGER): bigint {
    return signedValue(this.integerOctets(tag));
  }

  /** An INTEGER from 0 to 2^31 - 1. */
  smallInteger(tag: number = TAG.INTEGER): number {
    const octets = this.integerOctets(tag);
    if (octets.length > 4 || (octets[0] ?? 0) >= 0x80)
      throw malformed('integer', 'an integer is out of range');
    return octets.reduce((value, octet) => value * 256 + octet, 0);
  }

  boolean(): boolean {
    const { content } = this.expect(TAG.BOOLEAN);
    if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) {
      throw malformed('boolean', 'a boolean is one octet, 00 or ff');
    }
    return content[0] === 0xff;
  }

  /** `BOOLEAN DEFAULT FALSE`: DER leaves a default out, so a written false is refused (X.690 §11.5). */
  booleanDefaultFalse(): boolean {
    const value = this.optional(TAG.BOOLEAN, (reader) => reader.boolean());
    if (value === false) throw malformed('default', 'a default value is written out');
    return value ?? false;
  }

  nullValue(): void {
    if (this.expect(TAG.NULL).content.length !== 0) throw malformed('null', 'a NULL has no content');
  }

  /** Dotted spelling of an OBJECT IDENTIFIER. */
  oid(): string {
    return dottedOid(this.expect(TAG.OID).content);
  }

  octets(): Uint8Array {
    return this.expect(TAG.OCTET_STRING).content;
  }

  bits(): Bits {
    const { content } = this.expect(TAG.BIT_STRING);
    const [unused] = content;
    const octets = content.subarray(1);
    if (unused === undefined || unused > 7 || (unused > 0 && octets.length === 0)) {
      throw malformed('bits', 'a bit string says how many bits of its last octet are unused, 0 to 7');
    }
    if (((octets.at(-1) ?? 0) & ((1 << unused) - 1)) !== 0) {
      throw malformed('bits', 'the unused bits of a bit string are zero');
    }
    return { octets, unused };
  }

  /** A BIT STRING of whole octets, as keys and signatures are. */
  wholeBits(): Uint8Array {
    const { octets, unused } = this.bits();
    if (unused !== 0) throw malformed('bits', 'expected a bit string of whole octets');
    return octets;
  }

  utf8(): string {
    return textOf(this.expect(TAG.UTF8_STRING).content);
  }

  /** GeneralizedTime without a fraction, in milliseconds since 1970. */
  generalizedTime(): number {
    return parseGeneralizedTime(textOf(this.expect(TAG.GENERALIZED_TIME).content));
  }

  /** Time of X.509 and CMS: UTCTime through 2049, GeneralizedTime from 2050 (RFC 5280 §4.1.2.5). */
  time(): number {
    if (this.peek() === TAG.UTC_TIME) return parseUtcTime(textOf(this.element().content));
    const instantMs = this.generalizedTime();
    if (isUtcTimeYear(instantMs)) throw malformed('time', 'times before 2050 are written as UTCTime');
    return instantMs;
  }

  /** Callers must end with this: what follows a structure is not part of it. */
  finish(): void {
    if (!this.atEnd) throw malformed('trailing', 'octets follow the end of a DER structure');
  }
}

/** The number that the content octets of an INTEGER spell. */
export function signedValue(octets: Uint8Array): bigint {
  // An RSA modulus is the largest integer there is.
  if (octets.length > 2049) throw malformed('integer', 'an integer is too large');
  const value = fromBigEndian(octets);
  return (octets[0] ?? 0) < 0x80 ? value : value - (1n << BigInt(8 * octets.length));
}

function textOf(content: Uint8Array): string {
  try {
    return toUtf8(content);
  } catch (cause) {
    throw new Fault('malformed', 'der/text', 'a text is not valid UTF-8', { cause });
  }
}

/** The one structure that `der` is, whole: `read` gets a reader over its members and both ends are checked. */
export function readSequence<T>(der: Uint8Array, read: (members: DerReader) => T): T {
  const outer = new DerReader(der);
  const members = outer.sequence();
  outer.finish();
  const value = read(members);
  members.finish();
  return value;
}
