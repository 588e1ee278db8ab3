/**
 * JSON Canonicalization Scheme (RFC 8785): the one spelling of a value.
 *
 * ECMAScript's own serialization of strings and numbers is the scheme's (RFC 8785 §3.2.2), so what is left
 * to do is to sort members by UTF-16 code units (§3.2.3), to write no space, and to refuse what has no
 * spelling.
 */
import { Fault } from '#core/fault';
import { fromUtf8 } from '#core/octets';
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
  return JSON.stringify(text);
}

function spell(value: JsonValue): string {
  switch (typeof value) {
    case 'string':
      return spellString(value);
    case 'number':
      if (!Number.isFinite(value)) {
        throw new Fault('malformed', 'json/no-canonical-form', 'only finite numbers have a canonical form');
      }
      return JSON.stringify(value);
    case 'boolean':
      return value ? 'true' : 'false';
    default:
      if (value === null) return 'null';
      return Array.isArray(value) ? `[${value.map(spell).join(',')}]` : spellObject(value as JsonObject);
  }
}

function spellObject(object: JsonObject): string {
  // The default order of sort() is by UTF-16 code units, which is what RFC 8785 §3.2.3 asks for.
  const members = Object.keys(object)
    .sort()
    .map((name) => {
      const value = object[name];
      if (value === undefined) throw new TypeError(`member ${name} is undefined`);
      return `${spellString(name)}:${spell(value)}`;
    });
  return `{${members.join(',')}}`;
}

/**
 * UTF-8 octets of the canonical form of `value`.
 *
 * @throws {Fault} json/no-canonical-form for unpaired surrogates and numbers that are not finite
 */
export function canonicalJson(value: JsonValue): Uint8Array {
  return fromUtf8(spell(value));
}
