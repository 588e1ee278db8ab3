import type { IncomingMessage } from 'node:http';
import { Fault } from '#core/fault';

const LARGEST = 8192;

/**
 * The fields of a posted form.
 *
 * @throws {Fault} identity/form
 */
export async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  const refuse = (): Fault =>
    new Fault('malformed', 'identity/form', 'The form did not arrive whole. Try again.');
  if (!/^application\/x-www-form-urlencoded(;|$)/i.test(request.headers['content-type'] ?? ''))
    throw refuse();
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    length += (chunk as Buffer).length;
    if (length > LARGEST) throw refuse();
    chunks.push(chunk as Buffer);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
}
