/**
 * Faults as the timestamp authority's API spells them: go-openapi's `{code, message}`, in which the code is the
 * HTTP status (CONTRACTS §5.1). The messages are those that existing clients show and tests compare.
 */
import { HTTP_STATUS, isFault } from '#core/fault';
import { type DoorRefusal, retryAfter } from '../../server/door-error-filter.js';

const GENERAL = 'Error generating timestamp response';

const MESSAGES: Readonly<Record<string, string>> = {
  'timestamp/malformed': GENERAL,
  'timestamp/unknown-hash': GENERAL,
  'timestamp/weak-hash': 'Weak hash algorithm in timestamp request',
  'timestamp/digest-length': 'Message digest has incorrect length for specified algorithm',
  'timestamp/too-large': 'timestamp request is too large',
  'timestamp/policy': 'unaccepted policy: requested TSA policy is not supported by the TSA',
  'timestamp/extension': 'unaccepted extension: requested extensions are not supported by the TSA',
};

export function timestampRefusal(error: unknown): DoorRefusal {
  const { status, body } = spelt(error);
  return { status, headers: { ...retryAfter(error), 'content-type': 'application/json' }, body };
}

function spelt(error: unknown): Omit<DoorRefusal, 'headers'> {
  if (!isFault(error)) return refusal(500, GENERAL);
  if (error.code === 'timestamp/media-type') return refusal(415, error.message);
  const known = MESSAGES[error.code];
  if (known !== undefined) return refusal(400, known);
  const status = HTTP_STATUS[error.kind];
  return refusal(status, status >= 500 ? GENERAL : error.message);
}

/** JSON with a final newline, as Go's encoder ends. */
function refusal(status: number, message: string): Omit<DoorRefusal, 'headers'> {
  return { status, body: `${JSON.stringify({ code: status, message })}\n` };
}
