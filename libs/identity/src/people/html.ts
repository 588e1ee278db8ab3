/**
 * HTML in which text cannot become markup: whatever is put into a template is escaped, unless it is itself the result
 * of one.
 */
export class Html {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function spell(value: unknown): string {
  if (value instanceof Html) return value.toString();
  if (value === undefined || value === null || value === false) return '';
  return `${value as string | number}`.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}

/** `undefined` and `false` leave nothing behind. */
export function html(parts: TemplateStringsArray, ...values: readonly unknown[]): Html {
  return new Html(
    parts.reduce((text, part, at) => text + part + (at < values.length ? spell(values[at]) : ''), ''),
  );
}
