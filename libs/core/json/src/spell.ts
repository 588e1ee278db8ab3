/**
 * What RFC 8785 and OLPC canonical JSON share: no space, sorted members, and a refusal of what has no spelling.
 * They differ in three places, which each of them hands in.
 */
import { Fault } from '#core/fault';
import type { JsonObject, JsonValue } from './value.js';

/** How one canonical form spells what the two spell differently. */
export interface Spelling {
  /** A string that has no unpaired surrogate. */
  readonly text: (text: string) => string;
  /** @throws {Fault} json/no-canonical-form for numbers that the form does not know */
  readonly number: (value: number) => string;
  /** Sorts member names in place. */
  readonly sort: (names: string[]) => string[];
}

const UNPAIRED_SURROGATE = /\p{Surrogate}/u;

/** @throws {Fault} json/no-canonical-form for what has no spelling in this form */
export function spell(value: JsonValue, spelling: Spelling): string {
  switch (typeof value) {
    case 'string':
      return spellString(value, spelling);
    case 'number':
      return spelling.number(value);
    case 'boolean':
      return value ? 'true' : 'false';
    default:
      if (value === null) return 'null';
      return Array.isArray(value)
        ? `[${value.map((item: JsonValue) => spell(item, spelling)).join(',')}]`
        : spellObject(value as JsonObject, spelling);
  }
}

function spellString(text: string, spelling: Spelling): string {
  if (UNPAIRED_SURROGATE.test(text)) {
    throw new Fault(
      'malformed',
      'json/no-canonical-form',
      'a string with an unpaired surrogate has no canonical form',
    );
  }
  return spelling.text(text);
}

function spellObject(object: JsonObject, spelling: Spelling): string {
  const members = spelling.sort(Object.keys(object)).map((name) => {
    const value = object[name];
    if (value === undefined) throw new TypeError(`member ${name} is undefined`);
    return `${spellString(name, spelling)}:${spell(value, spelling)}`;
  });
  return `{${members.join(',')}}`;
}
