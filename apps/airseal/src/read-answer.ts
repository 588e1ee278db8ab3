/**
 * What a server answered, before anything in it is used.
 *
 * Something else may have answered in its place, such as a page to sign in, and an answer may end half way. Neither is a
 * defect of this program: whoever asked is told where it came from.
 */
import { z } from 'zod';
import { Fault } from '#core/fault';

/** Of a size or an index. */
export const Digits = z.string().regex(/^(?:0|[1-9]\d{0,18})$/);

/** @throws {Fault} cli/strange-answer unless `answer` is JSON of the shape that `url` should answer with */
export function readAnswer<T>(schema: z.ZodType<T>, url: string, answer: string | Uint8Array): T {
  const text = typeof answer === 'string' ? answer : Buffer.from(answer).toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw strange(url, cause);
  }
  const read = schema.safeParse(value);
  if (!read.success) throw strange(url, read.error);
  return read.data;
}

function strange(url: string, cause: unknown): Fault {
  return new Fault(
    'unavailable',
    'cli/strange-answer',
    `${url} answered something else than the log would; what stands in front of it?`,
    { cause },
  );
}
