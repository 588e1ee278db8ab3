/**
 * OLPC canonical JSON, the form that TUF metadata and its key identifiers are hashed and signed in.
 *
 * It differs from RFC 8785 where it hurts: strings carry control characters raw and escape only the quote
 * and the backslash, and numbers are integers. Member names are sorted by code point, as the reference
 * implementation in Python does.
 */
import { Fault } from '#core/fault';
import { compareOctets, fromUtf8 } from '#core/octets';
import { spell, type Spelling } from './spell.js';
import type { JsonValue } from './value.js';

const OLPC: Spelling = {
  text: (text) => `"${text.replaceAll(/["\\]/g, '\\$&')}"`,
  number: (value) => {
    if (!Number.isSafeInteger(value)) {
      throw new Fault('malformed', 'json/no-canonical-form', 'OLPC canonical JSON knows integers only');
    }
    return String(value === 0 ? 0 : value);
  },
  // UTF-8 octets sort like code points, which UTF-16 code units do not.
  sort: (names) => names.sort((a, b) => compareOctets(fromUtf8(a), fromUtf8(b))),
};

/**
 * UTF-8 octets of the OLPC canonical form of `value`.
 *
 * @throws {Fault} json/no-canonical-form for unpaired surrogates and numbers that are not safe integers
 */
export function olpcJson(value: JsonValue): Uint8Array {
  return fromUtf8(spell(value, OLPC));
}
