/** Faults as Rekor v2 spells them: grpc-gateway's `{code, message, details}` with gRPC's numbers (CONTRACTS §4.3). */
import { GRPC_CODE, isFault } from '#core/fault';
import type { DoorRefusal } from '../../server/door-error-filter.js';

const UNKEPT = { 'cache-control': 'no-store' };

const IN_THE_ENTRY = /^(?:json|entry|octets|pem|der|x509|crypto)\/|^tree\/entry-too-large$/;
const INTERNAL = 13;

function refusal(
  status: number,
  code: number,
  message: string,
  headers: Record<string, string> = {},
): DoorRefusal {
  return {
    status,
    headers: { 'content-type': 'application/json', ...UNKEPT, ...headers },
    body: JSON.stringify({ code, message, details: [] }),
  };
}

export function rekorV2Refusal(error: unknown): DoorRefusal {
  if (!isFault(error)) return refusal(500, INTERNAL, 'failed to integrate entry');
  if (error.code === 'tree/frozen') {
    return {
      status: 405,
      headers: { 'content-type': 'text/plain; charset=utf-8', ...UNKEPT, allow: 'GET, HEAD' },
      body: `${error.message}\n`,
    };
  }
  if (error.code === 'log/duplicate') {
    return refusal(409, GRPC_CODE.conflict, error.message, { 'x-log-index': String(error.detail['index']) });
  }
  if (error.kind === 'unavailable') {
    const message = /^(?:tree\/overloaded|entry\/busy)$/.test(error.code)
      ? 'reached max pushback; retry'
      : error.message;
    return refusal(503, GRPC_CODE.unavailable, message, {
      'retry-after': String(error.retryAfterSeconds ?? 1),
    });
  }
  if (IN_THE_ENTRY.test(error.code)) return refusal(400, GRPC_CODE.malformed, error.message);
  if (error.kind === 'absent') return refusal(404, GRPC_CODE.absent, error.message);
  return refusal(500, INTERNAL, 'failed to integrate entry');
}
