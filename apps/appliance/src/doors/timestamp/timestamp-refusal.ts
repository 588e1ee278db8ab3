/**
 * Faults as the timestamp authority's API spells them: go-openapi's `{code, message}`, in which the code is the
 * HTTP status (CONTRACTS §5.1). The messages are those that existing clients show and tests compare.
 */
import { HTTP_STATUS, isFault } from '#core/fault';

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

export interface TimestampRefusal {
  readonly status: number;
  /** JSON with a final newline, as Go's encoder ends. */
  readonly body: string;
}

export function timestampRefusal(error: unknown): TimestampRefusal {
  if (!isFault(error)) return refusal(500, GENERAL);
  if (error.code === 'timestamp/media-type') return refusal(415, error.message);
  const known = MESSAGES[error.code];
  if (known !== undefined) return refusal(400, known);
  const status = HTTP_STATUS[error.kind];
  return refusal(status, status >= 500 ? GENERAL : error.message);
}

function refusal(status: number, message: string): TimestampRefusal {
  return { status, body: `${JSON.stringify({ code: status, message })}\n` };
}
