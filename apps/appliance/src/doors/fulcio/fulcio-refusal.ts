/**
 * How Fulcio says no: the codes and sentences that its clients match and show (CONTRACTS §1.9).
 *
 * The sentences are upstream's and say less than our faults do; the fault itself is in the log under the request id.
 */
import { GRPC_CODE, HTTP_STATUS, isFault } from '#core/fault';
import { type DoorRefusal, retryAfter } from '../../server/door-error-filter.js';

export interface FulcioRefusal {
  readonly status: number;
  /** A number of google.rpc.Code. */
  readonly code: number;
  readonly message: string;
}

const INVALID_ARGUMENT = { status: 400, code: 3 };
const INTERNAL = { status: 500, code: 13 };

const SENTENCES: Readonly<Record<string, FulcioRefusal>> = {
  'ca/proof-mismatch': {
    ...INVALID_ARGUMENT,
    message: 'The signature supplied in the request could not be verified',
  },
  'ca/key-malformed': {
    ...INVALID_ARGUMENT,
    message: 'The public key supplied in the request could not be parsed',
  },
  'ca/csr-malformed': { ...INVALID_ARGUMENT, message: 'The certificate signing request could not be parsed' },
  'ca/key-insecure': { ...INVALID_ARGUMENT, message: 'The public key supplied in the request is insecure' },
  'ca/no-promise': { ...INTERNAL, message: 'Error entering certificate in CTL' },
  'ca/cannot-sign': { ...INTERNAL, message: 'error communicating with CA backend' },
  'ca/none-in-force': { ...INTERNAL, message: 'error communicating with CA backend' },
};

export function fulcioRefusal(error: unknown): FulcioRefusal {
  if (!isFault(error)) return { ...INTERNAL, message: 'internal error' };
  const known = Object.hasOwn(SENTENCES, error.code) ? SENTENCES[error.code] : undefined;
  if (known !== undefined) return known;
  if (error.code.startsWith('identity/') && error.kind !== 'unavailable') {
    return { ...INVALID_ARGUMENT, message: 'There was an error processing the identity token' };
  }
  // What a client could have sent otherwise is its argument, whatever the reason is called here.
  if (error.kind === 'malformed' || error.kind === 'unverified' || error.kind === 'refused') {
    return { ...INVALID_ARGUMENT, message: error.message };
  }
  const message = error.kind === 'corrupt' ? 'internal error' : error.message;
  return { status: HTTP_STATUS[error.kind], code: GRPC_CODE[error.kind], message };
}

/** The same in the shape of grpc-gateway, which is what Fulcio's clients parse. */
export function fulcioAnswer(error: unknown): DoorRefusal {
  const { status, code, message } = fulcioRefusal(error);
  return {
    status,
    headers: { ...retryAfter(error), 'content-type': 'application/json' },
    body: JSON.stringify({ code, message, details: [] }),
  };
}
