/**
 * Faults as Rekor v1 spells them: go-openapi's `{code, message}`, in which the code is the HTTP status
 * (CONTRACTS §3.1, §3.4).
 */
import { HTTP_STATUS, isFault } from '#core/fault';
import type { DoorRefusal } from '../../server/door-error-filter.js';

/** The client's own mistakes when it proposes an entry. */
const IN_THE_ENTRY = /^(?:json|entry|octets|pem|der|x509|crypto)\/|^tree\/entry-too-large$/;

/** JSON with a final newline, as Go's encoder ends. */
function refusal(status: number, message: string, further: Record<string, string> = {}): DoorRefusal {
  const headers = { ...further, 'content-type': 'application/json' };
  return { status, headers, body: `${JSON.stringify({ code: status, message })}\n` };
}

export function entryLocation(entryId: string): string {
  return `/api/v1/log/entries/${entryId}`;
}

export function rekorV1Refusal(error: unknown): DoorRefusal {
  if (!isFault(error)) return refusal(500, 'unexpected result from server');
  const { entryId } = error.detail;
  if (error.code === 'log/duplicate' && typeof entryId === 'string') {
    return refusal(409, error.message, { location: entryLocation(entryId) });
  }
  if (error.kind === 'unavailable') {
    return refusal(503, error.message, { 'retry-after': String(error.retryAfterSeconds ?? 1) });
  }
  if (IN_THE_ENTRY.test(error.code)) return refusal(400, `error processing entry: ${error.message}`);
  if (error.code === 'rekor/parameter') return refusal(422, error.message);
  const status = HTTP_STATUS[error.kind];
  return refusal(status, status >= 500 ? 'unexpected result from server' : error.message);
}
