/**
 * The one error type of Airseal.
 *
 * A fault is an expected *no*. Its `code` is API and never changes meaning; its `kind` says what anyone
 * can do about it; its `message` is for people, names the next step and is safe to show to a stranger;
 * its `cause` is for the operator and never leaves the process. Every other error is a defect: a door
 * answers it with 500 and no detail, and the log gets all of it.
 *
 * Kinds map once to HTTP, gRPC and exit codes, in the tables below. Client protocols that fix other
 * numbers (Fulcio answers 400 to a refused token) translate in their own door.
 */
export type FaultKind =
  /** The bytes do not parse: send other bytes. */
  | 'malformed'
  /** A signature, proof or chain does not hold. */
  | 'unverified'
  /** Authentic, but the rules say no. */
  | 'refused'
  /** No such thing here. */
  | 'absent'
  /** The world moved: look again, then retry. */
  | 'conflict'
  /** Nothing wrong with the request: retry later. */
  | 'unavailable'
  /** Our own state contradicts itself: the writer stops. */
  | 'corrupt';

export interface FaultOptions {
  readonly cause?: unknown;
  /** Facts for structured logs and error bodies; never a secret. */
  readonly detail?: Readonly<Record<string, string | number | boolean>>;
  /** With `unavailable`: seconds after which a retry may succeed. */
  readonly retryAfterSeconds?: number;
}

/** An expected *no*; `code` is `<area>/<what-is-wrong>` in kebab case, stable for ever. */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly code: string;
  readonly kind: FaultKind;
  readonly detail: Readonly<Record<string, string | number | boolean>>;
  readonly retryAfterSeconds: number | undefined;

  constructor(kind: FaultKind, code: string, message: string, options: FaultOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.code = code;
    this.detail = options.detail ?? {};
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** Whether `error` is an expected *no* rather than a defect. */
export function isFault(error: unknown): error is Fault {
  return error instanceof Fault;
}

export const HTTP_STATUS: Readonly<Record<FaultKind, number>> = {
  malformed: 400,
  unverified: 422,
  refused: 403,
  absent: 404,
  conflict: 409,
  unavailable: 503,
  corrupt: 500,
};

/** gRPC status numbers (google.rpc.Code). */
export const GRPC_CODE: Readonly<Record<FaultKind, number>> = {
  malformed: 3,
  unverified: 3,
  refused: 7,
  absent: 5,
  conflict: 6,
  unavailable: 14,
  corrupt: 13,
};

/** Exit codes of the command line; verify verbs keep cosign's 10 to 13 as well. */
export const EXIT_CODE: Readonly<Record<FaultKind, number>> = {
  malformed: 20,
  unverified: 21,
  refused: 22,
  absent: 23,
  conflict: 24,
  unavailable: 25,
  corrupt: 26,
};
