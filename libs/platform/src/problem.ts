/**
 * Faults as HTTP problem details (RFC 9457), for the JSON doors that are ours to shape.
 *
 * `type` is a name, not a link: `urn:airseal:fault:<code>`; we are offline. A defect tells nothing but the
 * request id, under which the log has all of it. Doors whose protocol fixes the error body translate there.
 */
import { type FaultKind, HTTP_STATUS, isFault } from '#core/fault';

export const PROBLEM_JSON = 'application/problem+json';

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly instance?: string;
  readonly facts?: Readonly<Record<string, string | number | boolean>>;
}

const TITLE: Readonly<Record<FaultKind, string>> = {
  malformed: 'The request does not parse',
  unverified: 'A signature, proof or chain does not hold',
  refused: 'The rules say no',
  absent: 'No such thing here',
  conflict: 'The world moved',
  unavailable: 'Try again later',
  corrupt: 'Our own state contradicts itself',
};

/** `requestId` becomes `instance`, so that a caller can quote it. */
export function problemOf(error: unknown, requestId?: string): Problem {
  const instance = requestId === undefined ? {} : { instance: `urn:airseal:request:${requestId}` };
  if (!isFault(error)) {
    return {
      type: 'urn:airseal:fault:defect',
      title: 'Something went wrong on our side',
      status: 500,
      detail: 'the log of the appliance has the reason under this request id',
      ...instance,
    };
  }
  return {
    type: `urn:airseal:fault:${error.code}`,
    title: TITLE[error.kind],
    status: HTTP_STATUS[error.kind],
    detail: error.message,
    ...instance,
    ...(Object.keys(error.detail).length === 0 ? {} : { facts: error.detail }),
  };
}
