/**
 * Where a search goes on.
 *
 * The caller brings it back, so nothing in it is believed: the sizes must be of checkpoints that were published, and a
 * cursor of another question is refused, since its pages would not belong together.
 */
import { z } from 'zod';
import { Fault, isFault } from '#core/fault';
import { fromBase64Url, fromUtf8, toBase64Url, toUtf8 } from '#core/octets';

const Digits = z.string().regex(/^(?:0|[1-9]\d{0,18})$/);
const Cursor = z.strictObject({
  question: z.string(),
  /** Size of each tree when the search began, by name. */
  sizes: z.record(z.string(), Digits),
  tree: z.string(),
  index: Digits,
});

export interface Cursor {
  readonly question: string;
  readonly sizes: ReadonlyMap<string, bigint>;
  readonly tree: string;
  /** The first leaf that has not been looked at. */
  readonly index: bigint;
}

export function formatCursor({ question, sizes, tree, index }: Cursor): string {
  const told = Object.fromEntries([...sizes].map(([name, size]) => [name, size.toString()]));
  return toBase64Url(fromUtf8(JSON.stringify({ question, sizes: told, tree, index: index.toString() })));
}

function refuse(cause?: unknown): Fault {
  return new Fault(
    'malformed',
    'search/cursor',
    'this cursor does not continue this search; begin again without it',
    {
      cause,
    },
  );
}

/** @throws {Fault} search/cursor */
export function readCursor(text: string, question: string): Cursor {
  let value: unknown;
  try {
    value = JSON.parse(toUtf8(fromBase64Url(text)));
  } catch (error) {
    if (!isFault(error) && !(error instanceof SyntaxError)) throw error;
    throw refuse(error);
  }
  const read = Cursor.safeParse(value);
  if (!read.success || read.data.question !== question) throw refuse();
  const { sizes, tree, index } = read.data;
  return {
    question,
    sizes: new Map(Object.entries(sizes).map(([name, size]) => [name, BigInt(size)])),
    tree,
    index: BigInt(index),
  };
}

/** The cursor names a tree or a size that no search of this log has begun with. */
export function strangeCursor(): Fault {
  return refuse();
}
