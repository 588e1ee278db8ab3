/**
 * JSON Canonicalization Scheme (RFC 8785): the one spelling of a value.
 *
 * ECMAScript's own serialization of strings and numbers is the scheme's (RFC 8785 §3.2.2), so what is left
 * to do is to sort members by UTF-16 code units (§3.2.3), to write no space, and to refuse what has no
 * spelling.
 */
import { Fault } from '#core/fault';
import { fromUtf8 } from '#core/octets';
import { spell, type Spelling } from './spell.js';
import type { JsonValue } from './value.js';

const JCS: Spelling = {
  text: (text) => JSON.stringify(text),
  number: (value) => {
    if (!Number.isFinite(value)) {
      throw new Fault('malformed', 'json/no-canonical-form', 'only finite numbers have a canonical form');
    }
    return JSON.stringify(value);
  },
  // The default order of sort() is by UTF-16 code units, which is what RFC 8785 §3.2.3 asks for.
  sort: (names) => names.sort(),
};

/**
 * UTF-8 octets of the canonical form of `value`.
 *
 * @throws {Fault} json/no-canonical-form for unpaired surrogates and numbers that are not finite
 */
export function canonicalJson(value: JsonValue): Uint8Array {
  return fromUtf8(spell(value, JCS));
}
