/** Certificate logs answer errors as plain text (CONTRACTS §2.2). */
import { HTTP_STATUS, isFault } from '#core/fault';
import { type DoorRefusal, retryAfter } from '../../server/door-error-filter.js';

export function ctRefusal(error: unknown): DoorRefusal {
  const status = !isFault(error) ? 500 : error.kind === 'unverified' ? 400 : HTTP_STATUS[error.kind];
  const unsaid = status === 503 ? 'busy; retry' : 'internal error';
  return {
    status,
    headers: {
      ...retryAfter(error),
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': 'no-store',
    },
    body: `${isFault(error) && status < 500 ? error.message : unsaid}\n`,
  };
}
