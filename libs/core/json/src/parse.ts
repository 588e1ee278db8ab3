/**
 * A strict JSON reader (RFC 8259) for bytes that strangers send.
 *
 * Two readers of one text must never see two values, so what RFC 8259 leaves open is closed here:
 * a repeated member name, a byte order mark, ill-formed UTF-8, an unpaired surrogate and a number beyond
 * the range of a double are refused, and nesting has a limit. So has the number of values: 32 MiB of `{},` would
 * otherwise hold a process for twelve seconds and fill gigabytes, while what is honest is long in texts. Objects have no prototype: a member called
 * `__proto__` is a member like any other.
 */
import { Fault } from '#core/fault';
import { toUtf8 } from '#core/octets';
import type { JsonObject, JsonValue } from './value.js';

export interface JsonLimits {
  /** Arrays and objects inside one another; 64 unless told otherwise. */
  readonly maxDepth?: number;
  /** Octets of the text; unlimited unless told otherwise, since doors limit bodies before they come here. */
  readonly maxBytes?: number;
  /** Values of any kind in the whole text, containers included; 100,000 unless told otherwise. */
  readonly maxValues?: number;
}

const MAX_VALUES = 100_000;

const SPACE = /[ \t\n\r]*/y;
/** Everything up to the next character that cannot stand for itself in a string. */
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const UNPAIRED_SURROGATE = /\p{Surrogate}/u;
const FOUR_DIGITS = /^[0-9a-fA-F]{4}$/;

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

class Reader {
  readonly #text: string;
  readonly #maxDepth: number;
  #valuesLeft: number;
  #at = 0;

  constructor(text: string, maxDepth: number, maxValues: number) {
    this.#text = text;
    this.#maxDepth = maxDepth;
    this.#valuesLeft = maxValues;
  }

  document(): JsonValue {
    const value = this.#value(0);
    this.#space();
    if (this.#at < this.#text.length) throw this.#malformed('nothing may follow the value');
    return value;
  }

  #malformed(what: string): Fault {
    return new Fault('malformed', 'json/malformed', `not strict JSON at character ${this.#at}: ${what}`);
  }

  #space(): void {
    SPACE.lastIndex = this.#at;
    SPACE.test(this.#text);
    this.#at = SPACE.lastIndex;
  }

  #value(depth: number): JsonValue {
    if (this.#valuesLeft-- <= 0) throw this.#malformed('it holds too many values');
    this.#space();
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object(depth + 1);
      case '[':
        return this.#array(depth + 1);
      case '"':
        return this.#string();
      case 't':
        return this.#word('true', true);
      case 'f':
        return this.#word('false', false);
      case 'n':
        return this.#word('null', null);
      case undefined:
        throw this.#malformed('the text ends where a value should stand');
      default:
        return this.#number();
    }
  }

  #word<T extends boolean | null>(spelling: string, value: T): T {
    if (!this.#text.startsWith(spelling, this.#at)) throw this.#malformed(`expected ${spelling}`);
    this.#at += spelling.length;
    return value;
  }

  #number(): number {
    NUMBER.lastIndex = this.#at;
    if (!NUMBER.test(this.#text)) throw this.#malformed('expected a value');
    const value = Number(this.#text.slice(this.#at, NUMBER.lastIndex));
    // RFC 8785 §3.2.2.3 knows doubles only, and infinity has no spelling at all.
    if (!Number.isFinite(value)) throw this.#malformed('the number is too large');
    this.#at = NUMBER.lastIndex;
    return value;
  }

  #string(): string {
    this.#at++;
    let value = '';
    let escaped = false;
    for (;;) {
      PLAIN.lastIndex = this.#at;
      PLAIN.test(this.#text);
      value += this.#text.slice(this.#at, PLAIN.lastIndex);
      this.#at = PLAIN.lastIndex;
      const stop = this.#text[this.#at];
      if (stop === '"') break;
      if (stop !== '\\') throw this.#malformed('a string is not closed or holds a control character');
      value += this.#escape();
      escaped = true;
    }
    // Well-formed UTF-8 cannot hold half a surrogate pair; only \u escapes can smuggle one in.
    if (escaped && UNPAIRED_SURROGATE.test(value))
      throw this.#malformed('a string holds an unpaired surrogate');
    this.#at++;
    return value;
  }

  #escape(): string {
    const letter = this.#text[this.#at + 1] ?? '';
    if (letter === 'u') {
      const digits = this.#text.slice(this.#at + 2, this.#at + 6);
      if (!FOUR_DIGITS.test(digits)) throw this.#malformed('\\u needs four hexadecimal digits');
      this.#at += 6;
      return String.fromCharCode(Number.parseInt(digits, 16));
    }
    const meaning = Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : undefined;
    if (meaning === undefined) throw this.#malformed('unknown escape');
    this.#at += 2;
    return meaning;
  }

  #descend(depth: number): void {
    if (depth > this.#maxDepth) throw this.#malformed(`nested deeper than ${this.#maxDepth}`);
    this.#at++;
    this.#space();
  }

  #array(depth: number): readonly JsonValue[] {
    this.#descend(depth);
    const items: JsonValue[] = [];
    if (this.#text[this.#at] === ']') {
      this.#at++;
      return items;
    }
    do items.push(this.#value(depth));
    while (this.#more(']'));
    return items;
  }

  #object(depth: number): JsonObject {
    this.#descend(depth);
    const members = Object.create(null) as Record<string, JsonValue>;
    if (this.#text[this.#at] === '}') {
      this.#at++;
      return members;
    }
    do {
      this.#space();
      if (this.#text[this.#at] !== '"') throw this.#malformed('expected a member name');
      const name = this.#string();
      if (name in members) throw this.#malformed('a member name is repeated');
      this.#space();
      if (this.#text[this.#at] !== ':') throw this.#malformed('expected a colon');
      this.#at++;
      members[name] = this.#value(depth);
    } while (this.#more('}'));
    return members;
  }

  /** Whether a comma announces another item; otherwise `close` must stand here. */
  #more(close: string): boolean {
    this.#space();
    const mark = this.#text[this.#at];
    if (mark !== ',' && mark !== close) throw this.#malformed(`expected a comma or ${close}`);
    this.#at++;
    return mark === ',';
  }
}

/**
 * The value that `bytes` spell.
 *
 * @throws {Fault} json/malformed, json/too-large
 */
export function parseJson(bytes: Uint8Array, limits: JsonLimits = {}): JsonValue {
  if (limits.maxBytes !== undefined && bytes.length > limits.maxBytes) {
    throw new Fault('malformed', 'json/too-large', `send at most ${limits.maxBytes} octets of JSON`);
  }
  let text: string;
  try {
    text = toUtf8(bytes);
  } catch (cause) {
    throw new Fault('malformed', 'json/malformed', 'not strict JSON: the text is not UTF-8', { cause });
  }
  return new Reader(text, limits.maxDepth ?? 64, limits.maxValues ?? MAX_VALUES).document();
}
