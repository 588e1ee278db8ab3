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

/** Far more than `parseJson` lets in; a value that was made in another way must not end in an overflow. */
const MAX_DEPTH = 500;

/** @throws {Fault} json/no-canonical-form for what has no spelling in this form */
export function spell(value: JsonValue, spelling: Spelling, depth = 0): string {
  switch (typeof value) {
    case 'string':
      return spellString(value, spelling);
    case 'number':
      return spelling.number(value);
    case 'boolean':
      return value ? 'true' : 'false';
    default:
      if (value === null) return 'null';
      if (depth >= MAX_DEPTH)
        throw new Fault('malformed', 'json/no-canonical-form', `values are nested deeper than ${MAX_DEPTH}`);
      return Array.isArray(value)
        ? `[${value.map((item: JsonValue) => spell(item, spelling, depth + 1)).join(',')}]`
        : spellObject(value as JsonObject, spelling, depth + 1);
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

function spellObject(object: JsonObject, spelling: Spelling, depth: number): string {
  const members = spelling.sort(Object.keys(object)).map((name) => {
    const value = object[name];
    if (value === undefined) throw new TypeError(`member ${name} is undefined`);
    return `${spellString(name, spelling)}:${spell(value, spelling, depth)}`;
  });
  return `{${members.join(',')}}`;
}
