/**
 * Reads rows in PostgreSQL's binary COPY format, as a stream: what is being read is never in memory as a whole, and
 * no octet is spelt as two.
 *
 * @see PostgreSQL documentation, COPY, "Binary Format"
 */
import type { ClientBase } from 'pg';
import { to } from 'pg-copy-streams';

/** One row: its fields as they are sent, NULL as `undefined`. Each is a view, and nobody else's. */
export type RowFields = readonly (Buffer | undefined)[];

/** Signature, flags and the length of the header extension. */
const HEADER_BYTES = 19;
const NULL = -1;

/**
 * Takes whole rows off the front of `bytes`; answers where the first incomplete one begins.
 *
 * @param width how many fields each row has
 */
function takeRows(bytes: Buffer, from: number, width: number, rows: RowFields[]): number {
  let start = from;
  for (;;) {
    let at = start + 2;
    if (at > bytes.length) return start;
    // The trailer is a count of minus one, and the last thing that comes.
    if (bytes.readInt16BE(start) !== width) return start;
    const fields: (Buffer | undefined)[] = [];
    for (let field = 0; field < width; field++) {
      if (at + 4 > bytes.length) return start;
      const length = bytes.readInt32BE(at);
      at += 4;
      if (length === NULL) {
        fields.push(undefined);
        continue;
      }
      if (at + length > bytes.length) return start;
      fields.push(bytes.subarray(at, at + length));
      at += length;
    }
    rows.push(fields);
    start = at;
  }
}

/**
 * The rows of `select`, which has `width` columns and no parameters: COPY takes none. Callers put nothing into it but
 * numbers of their own.
 */
export async function* readRows(
  client: ClientBase,
  select: string,
  width: number,
): AsyncGenerator<readonly RowFields[], void, undefined> {
  const stream = client.query(to(`COPY (${select}) TO STDOUT (FORMAT binary)`));
  let rest: Buffer | undefined;
  let header = HEADER_BYTES;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    const bytes = rest === undefined ? chunk : Buffer.concat([rest, chunk]);
    if (bytes.length < header) {
      rest = bytes;
      continue;
    }
    const rows: RowFields[] = [];
    const end = takeRows(bytes, header, width, rows);
    header = 0;
    rest = end === bytes.length ? undefined : bytes.subarray(end);
    if (rows.length > 0) yield rows;
  }
  if (rest?.length !== 2 || rest.readInt16BE() !== -1) throw new Error('COPY ended in the middle of a row');
}
