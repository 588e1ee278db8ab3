/**
 * OLPC canonical JSON, the form that TUF metadata and its key identifiers are hashed and signed in.
 *
 * It differs from RFC 8785 where it hurts: strings carry control characters raw and escape only the quote
 * and the backslash, and numbers are integers. Member names are sorted by code point, as the reference
 * implementation in Python does.
 */
import { Fault } from '#core/fault';
import { compareOctets, fromUtf8 } from '#core/octets';
import type { JsonObject, JsonValue } from './value.js';

const UNPAIRED_SURROGATE = /\p{Surrogate}/u;

function spellString(text: string): string {
  if (UNPAIRED_SURROGATE.test(text)) {
    throw new Fault(
      'malformed',
      'json/no-canonical-form',
      'a string with an unpaired surrogate has no canonical form',
    );
  }
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}

function spell(value: JsonValue): string {
  switch (typeof value) {
    case 'string':
      return spellString(value);
    case 'number':
      if (!Number.isSafeInteger(value)) {
        throw new Fault('malformed', 'json/no-canonical-form', 'OLPC canonical JSON knows integers only');
      }
      return String(value === 0 ? 0 : value);
    case 'boolean':
      return value ? 'true' : 'false';
    default:
      if (value === null) return 'null';
      return Array.isArray(value) ? `[${value.map(spell).join(',')}]` : spellObject(value as JsonObject);
  }
}

function spellObject(object: JsonObject): string {
  const members = Object.keys(object)
    // UTF-8 octets sort like code points, which UTF-16 code units do not.
    .sort((a, b) => compareOctets(fromUtf8(a), fromUtf8(b)))
    .map((name) => {
      const value = object[name];
      if (value === undefined) throw new TypeError(`member ${name} is undefined`);
      return `${spellString(name)}:${spell(value)}`;
    });
  return `{${members.join(',')}}`;
}

/**
 * UTF-8 octets of the OLPC canonical form of `value`.
 *
 * @throws {Fault} json/no-canonical-form for unpaired surrogates and numbers that are not safe integers
 */
export function olpcJson(value: JsonValue): Uint8Array {
  return fromUtf8(spell(value));
}
