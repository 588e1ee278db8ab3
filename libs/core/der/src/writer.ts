/**
 * Writes DER (X.690 §10, §11) bottom-up: every function answers one complete, canonical element.
 *
 * Nothing written here can be spelled in a second way: lengths and integers are minimal, SET OF is sorted.
 * What the writer cannot say canonically it refuses with a RangeError or a Fault, since wrong input here is
 * a defect of the caller and would otherwise end in a signed structure.
 */
import { Fault } from '#core/fault';
import { bigEndian, compareOctets, fromUtf8 } from '#core/octets';
import { oidContent } from './oid.js';
import { contextConstructed, contextPrimitive, TAG } from './tag.js';
import { generalizedTimeText, isUtcTimeYear } from './time.js';

/** One element: identifier octet, minimal length (X.690 §10.1), then the parts as content. */
export function element(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  let lengthOctets = 0;
  if (length > 0x7f) for (let left = length; left > 0; left = Math.floor(left / 256)) lengthOctets++;
  const whole = new Uint8Array(2 + lengthOctets + length);
  whole[0] = tag;
  whole[1] = lengthOctets === 0 ? length : 0x80 | lengthOctets;
  for (let at = 1 + lengthOctets, left = length; at > 1; at--, left = Math.floor(left / 256))
    whole[at] = left % 256;
  let offset = 2 + lengthOctets;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

export function sequence(...members: readonly Uint8Array[]): Uint8Array {
  return element(TAG.SEQUENCE, ...members);
}

/** SET OF, its members in the order DER prescribes: ascending by their encodings (X.690 §11.6). */
export function setOf(...members: readonly Uint8Array[]): Uint8Array {
  return element(TAG.SET, ...members.toSorted(compareOctets));
}

/** `[number] EXPLICIT`. */
export function explicit(number: number, ...members: readonly Uint8Array[]): Uint8Array {
  return element(contextConstructed(number), ...members);
}

/** `[number] IMPLICIT` over a primitive type whose content is `content`. */
export function implicitPrimitive(number: number, content: Uint8Array): Uint8Array {
  return element(contextPrimitive(number), content);
}

/** INTEGER in the fewest octets that keep its sign (X.690 §8.3). */
export function integer(value: bigint | number): Uint8Array {
  return element(TAG.INTEGER, integerContent(BigInt(value)));
}

export function enumerated(value: number): Uint8Array {
  return element(TAG.ENUMERATED, integerContent(BigInt(value)));
}

function integerContent(value: bigint): Uint8Array {
  // A negative number and the one of its complement's bits have equal length (X.690 §8.3.3).
  const digits = (value < 0n ? ~value : value).toString(16);
  const width = Math.floor(digits.length / 2) + (digits.length % 2 === 0 && (digits[0] ?? '') < '8' ? 0 : 1);
  return bigEndian(value < 0n ? value + (1n << BigInt(8 * width)) : value, width);
}

/** INTEGER of the unsigned big-endian `octets`: leading zeros dropped, one added where the top bit is set. */
export function unsignedInteger(octets: Uint8Array): Uint8Array {
  let start = 0;
  while (start < octets.length - 1 && octets[start] === 0) start++;
  const trimmed = octets.subarray(start);
  if (trimmed.length === 0) return element(TAG.INTEGER, Uint8Array.of(0));
  return (trimmed[0] ?? 0) < 0x80
    ? element(TAG.INTEGER, trimmed)
    : element(TAG.INTEGER, Uint8Array.of(0), trimmed);
}

/** BOOLEAN; true is 0xff and nothing else (X.690 §11.1). */
export function boolean(value: boolean): Uint8Array {
  return element(TAG.BOOLEAN, Uint8Array.of(value ? 0xff : 0x00));
}

export function nullValue(): Uint8Array {
  return element(TAG.NULL);
}

/** Identifiers that were written before: the same few dozen stand in every certificate. */
const spelled = new Map<string, Uint8Array>();
const MOST_SPELLED = 500;

/** OBJECT IDENTIFIER. The octets are shared between callers, who do not change them. */
export function objectIdentifier(dotted: string): Uint8Array {
  const known = spelled.get(dotted);
  if (known !== undefined) return known;
  const written = element(TAG.OID, oidContent(dotted));
  if (spelled.size < MOST_SPELLED) spelled.set(dotted, written);
  return written;
}

export function octetString(...content: readonly Uint8Array[]): Uint8Array {
  return element(TAG.OCTET_STRING, ...content);
}

/** BIT STRING of whole octets. */
export function bitString(...content: readonly Uint8Array[]): Uint8Array {
  return element(TAG.BIT_STRING, Uint8Array.of(0), ...content);
}

/** BIT STRING of named bits, trailing zero bits dropped (X.690 §11.2.2); bit 0 is the leftmost. */
export function namedBits(...set: readonly number[]): Uint8Array {
  if (set.length === 0) return element(TAG.BIT_STRING, Uint8Array.of(0));
  const last = Math.max(...set);
  const octets = new Uint8Array(Math.floor(last / 8) + 1);
  for (const bit of set) {
    const at = Math.floor(bit / 8);
    octets[at] = (octets[at] ?? 0) | (0x80 >> (bit % 8));
  }
  return element(TAG.BIT_STRING, Uint8Array.of(7 - (last % 8)), octets);
}

export function utf8String(text: string): Uint8Array {
  if (/\p{Surrogate}/u.test(text))
    throw new Fault('malformed', 'der/text', 'a text with half a surrogate pair has no UTF-8');
  return element(TAG.UTF8_STRING, fromUtf8(text));
}

/** @throws {Fault} der/text for characters outside the set of X.680 §41.4 */
export function printableString(text: string): Uint8Array {
  if (!/^[A-Za-z0-9 '()+,\-./:=?]*$/.test(text)) {
    throw new Fault(
      'malformed',
      'der/text',
      "a PrintableString holds letters, digits, space and '()+,-./:=? only",
    );
  }
  return element(TAG.PRINTABLE_STRING, fromUtf8(text));
}

/** The ASCII octets of `text`, as IA5String content. @throws {Fault} der/text */
export function ia5Content(text: string): Uint8Array {
  if (!/^\p{ASCII}*$/u.test(text)) throw new Fault('malformed', 'der/text', 'an IA5String holds ASCII only');
  return fromUtf8(text);
}

export function ia5String(text: string): Uint8Array {
  return element(TAG.IA5_STRING, ia5Content(text));
}

/** GeneralizedTime of the whole second that `instantMs` lies in. */
export function generalizedTime(instantMs: number): Uint8Array {
  return element(TAG.GENERALIZED_TIME, fromUtf8(generalizedTimeText(instantMs)));
}

/** Time of X.509 and CMS: UTCTime through 2049, GeneralizedTime from 2050 (RFC 5280 §4.1.2.5). */
export function time(instantMs: number): Uint8Array {
  if (!isUtcTimeYear(instantMs)) return generalizedTime(instantMs);
  return element(TAG.UTC_TIME, fromUtf8(generalizedTimeText(instantMs).slice(2)));
}
