/**
 * What verbs print: words for people, or one JSON object per line for machines. Results go to standard
 * output, progress and warnings to standard error, so that a pipe sees results only.
 */
export interface GlobalOptions {
  readonly output: 'text' | 'json';
  readonly state?: string;
  readonly caFile?: string;
}

type Printable =
  string | number | boolean | null | readonly Printable[] | { readonly [key: string]: Printable };

/** Prints one result: `text` lines, or `record` as one line of JSON. */
export function print(
  options: GlobalOptions,
  record: Readonly<Record<string, Printable>>,
  text: readonly string[],
): void {
  const lines = options.output === 'json' ? [JSON.stringify(record)] : text;
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** Tells a person how far things are; never part of the result. */
export function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Columns padded to the widest cell, two spaces between. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, at) => (widths[at] = Math.max(widths[at] ?? 0, cell.length)));
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
