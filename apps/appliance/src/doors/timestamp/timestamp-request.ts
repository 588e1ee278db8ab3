import { parseJsonTimestampRequest, parseTimestampRequest, type TimestampRequest } from '#core/timestamp';
import { Fault } from '#core/fault';

const READERS: Readonly<Record<string, (body: Uint8Array) => TimestampRequest>> = {
  'application/timestamp-query': parseTimestampRequest,
  'application/json': parseJsonTimestampRequest,
};

/**
 * Reads a request in the form that its content type names; parameters (`; charset=utf-8`) are ignored.
 *
 * @throws {Fault} timestamp/media-type, and what the readers throw
 */
export function readTimestampRequest(contentType: string | undefined, body: Uint8Array): TimestampRequest {
  const type = (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const read = Object.hasOwn(READERS, type) ? READERS[type] : undefined;
  if (read === undefined) {
    throw new Fault(
      'refused',
      'timestamp/media-type',
      `unsupported media type ${JSON.stringify(type.slice(0, 100))}, only [application/json application/timestamp-query] are allowed`,
    );
  }
  return read(body);
}
