/**
 * The part of Go's text/template that issuer files use, over a flat map of text:
 *
 *   {{ .name }}   {{ index . "any name" }}   {{ (…) }}
 *   {{ if … }} … {{ else if … }} … {{ else }} … {{ end }}
 *   eq, ne, and, or, not; string literals in "" or ``; {{- and -}} trimming; comments
 *
 * A field that is not in the map is an error, as upstream's `missingkey=error`. Everything outside this part is refused when the file is read, not when a token comes.
 */
import { Fault } from '#core/fault';
import { missingClaim } from './claims.js';

export type Values = Readonly<Record<string, string>>;
export type Template = (values: Values) => string;
type Expression = (values: Values) => string | boolean | Values;

function bad(source: string, why: string): Fault {
  return new Fault('malformed', 'identity/template', `template "${source}": ${why}`);
}

type Token =
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'action'; readonly words: readonly string[] };

const WORD = /\s+|"(?:[^"\\\n]|\\.)*"|`[^`]*`|\(|\)|\.[A-Za-z_]\w*(?:\.\w+)*|\.|[A-Za-z_]\w*/gy;

function words(source: string, action: string): readonly string[] {
  const found: string[] = [];
  WORD.lastIndex = 0;
  while (WORD.lastIndex < action.length) {
    const at = WORD.lastIndex;
    const match = WORD.exec(action);
    if (match === null) throw bad(source, `cannot read "${action.slice(at)}"`);
    if (match[0].trim() !== '') found.push(match[0]);
  }
  if (found.length === 0) throw bad(source, 'an action says nothing');
  return found;
}

function tokens(source: string): Token[] {
  const found: Token[] = [];
  let rest = source;
  let trimNext = false;
  for (;;) {
    const open = rest.indexOf('{{');
    let text = open < 0 ? rest : rest.slice(0, open);
    if (trimNext) text = text.trimStart();
    if (open >= 0 && /^\{\{-\s/.test(rest.slice(open))) text = text.trimEnd();
    if (text !== '') found.push({ kind: 'text', value: text });
    if (open < 0) return found;
    const close = rest.indexOf('}}', open);
    if (close < 0) throw bad(source, 'an action is not closed');
    let action = rest.slice(open + 2, close);
    if (/^-\s/.test(action)) action = action.slice(1);
    trimNext = /\s-$/.test(action);
    if (trimNext) action = action.slice(0, -1);
    if (!/^\s*\/\*.*\*\/\s*$/s.test(action)) found.push({ kind: 'action', words: words(source, action) });
    rest = rest.slice(close + 2);
  }
}

function asText(source: string, value: string | boolean | Values): string {
  if (typeof value === 'object') throw bad(source, 'all claims at once have no text');
  return String(value);
}

function truth(value: string | boolean | Values): boolean {
  return typeof value === 'object' ? Object.keys(value).length > 0 : value !== '' && value !== false;
}

class Parser {
  readonly #source: string;
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(source: string) {
    this.#source = source;
    this.#tokens = tokens(source);
  }

  whole(): Template {
    const body = this.#body();
    if (this.#at < this.#tokens.length) throw bad(this.#source, 'end or else without if');
    return body;
  }

  #body(): Template {
    const parts: Template[] = [];
    for (let token = this.#tokens[this.#at]; token !== undefined; token = this.#tokens[this.#at]) {
      if (token.kind === 'text') {
        const { value } = token;
        parts.push(() => value);
      } else if (token.words[0] === 'end' || token.words[0] === 'else') {
        break;
      } else if (token.words[0] === 'if') {
        parts.push(this.#choice(token.words.slice(1)));
        continue;
      } else {
        const expression = this.#expression(token.words);
        parts.push((values) => asText(this.#source, expression(values)));
      }
      this.#at++;
    }
    return (values) => parts.map((part) => part(values)).join('');
  }

  #choice(condition: readonly string[]): Template {
    const when = this.#expression(condition);
    this.#at++;
    const yes = this.#body();
    const next = this.#tokens[this.#at];
    if (next?.kind !== 'action') throw bad(this.#source, 'if without end');
    let no: Template = () => '';
    if (next.words[0] === 'else' && next.words[1] === 'if') {
      no = this.#choice(next.words.slice(2));
      return (values) => (truth(when(values)) ? yes(values) : no(values));
    }
    if (next.words[0] === 'else') {
      if (next.words.length > 1) throw bad(this.#source, 'else takes nothing but if');
      this.#at++;
      no = this.#body();
    }
    const end = this.#tokens[this.#at];
    if (end?.kind !== 'action' || end.words[0] !== 'end' || end.words.length > 1)
      throw bad(this.#source, 'if without end');
    this.#at++;
    return (values) => (truth(when(values)) ? yes(values) : no(values));
  }

  /** A value alone, or a function and its arguments. */
  #expression(all: readonly string[]): Expression {
    let at = 0;
    const operand = (): Expression => {
      const word = all[at++];
      if (word === undefined) throw bad(this.#source, 'a value is missing');
      if (word === '(') {
        let depth = 1;
        const from = at;
        while (at < all.length && depth > 0) {
          if (all[at] === '(') depth++;
          if (all[at] === ')') depth--;
          at++;
        }
        if (depth > 0) throw bad(this.#source, 'a parenthesis is not closed');
        return this.#expression(all.slice(from, at - 1));
      }
      if (word === '.') return (values) => values;
      if (word.startsWith('.')) {
        const name = word.slice(1);
        if (name.includes('.')) throw bad(this.#source, `claims are flat: use index . "${name}"`);
        return (values) => member(values, name);
      }
      if (word.startsWith('"') || word.startsWith('`')) {
        const text = this.#literal(word);
        return () => text;
      }
      if (word === 'true' || word === 'false') return () => word === 'true';
      throw bad(this.#source, `"${word}" is not supported here`);
    };

    const head = all[0] ?? '';
    if (!/^[A-Za-z_]/.test(head) || head === 'true' || head === 'false') {
      const alone = operand();
      if (at !== all.length) throw bad(this.#source, 'one value at a time');
      return alone;
    }
    at = 1;
    const operands: Expression[] = [];
    while (at < all.length) operands.push(operand());
    return this.#call(head, operands);
  }

  #call(name: string, operands: readonly Expression[]): Expression {
    const [first, second] = operands;
    const exactly = (count: number): void => {
      if (operands.length !== count) throw bad(this.#source, `${name} takes ${count}`);
    };
    switch (name) {
      case 'index': {
        exactly(2);
        return (values) => {
          const map = first?.(values);
          if (typeof map !== 'object') throw bad(this.#source, 'index reads from the claims: index . "name"');
          // Go's index answers empty text for an absent key even under missingkey=error, and provider files
          // in use rely on it for claims that are not in every token.
          const key = asText(this.#source, second?.(values) ?? '');
          return (Object.hasOwn(map, key) ? map[key] : undefined) ?? '';
        };
      }
      case 'eq': {
        if (operands.length < 2) throw bad(this.#source, 'eq takes two values or more');
        return (values) => {
          const left = asText(this.#source, first?.(values) ?? '');
          return operands.slice(1).some((right) => asText(this.#source, right(values)) === left);
        };
      }
      case 'ne':
        exactly(2);
        return (values) =>
          asText(this.#source, first?.(values) ?? '') !== asText(this.#source, second?.(values) ?? '');
      case 'not':
        exactly(1);
        return (values) => !truth(first?.(values) ?? '');
      case 'and':
      case 'or': {
        if (operands.length === 0) throw bad(this.#source, `${name} takes one value or more`);
        const stopsAt = name === 'or';
        return (values) => {
          let value: string | boolean | Values = '';
          for (const next of operands) {
            value = next(values);
            if (truth(value) === stopsAt) break;
          }
          return value;
        };
      }
      default:
        throw bad(this.#source, `the function ${name} is not supported`);
    }
  }

  #literal(word: string): string {
    if (word.startsWith('`')) return word.slice(1, -1);
    try {
      return JSON.parse(word) as string;
    } catch (cause) {
      throw new Fault(
        'malformed',
        'identity/template',
        `template "${this.#source}": ${word} is not a string`,
        { cause },
      );
    }
  }
}

function member(values: Values, name: string): string {
  const value = Object.hasOwn(values, name) ? values[name] : undefined;
  if (value === undefined) throw missingClaim(name);
  return value;
}

/**
 * Compiles what an issuers file writes for an extension: text with `{{` is a template, other text is the name of
 * one claim.
 *
 * @throws {Fault} identity/template if it uses what is not supported here
 */
export function compileTemplate(source: string): Template {
  if (source.includes('{{')) return new Parser(source).whole();
  return (values) => member(values, source);
}
