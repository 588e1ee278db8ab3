/**
 * What the server must know of a door before the door is asked: how large a body may be, whether browsers of
 * other origins may read the answer, and how that protocol says no.
 *
 * The shapes here serve refusals that happen before a controller runs (too large, too busy, no such path).
 * A door maps its own faults in its own filter.
 */
import { GRPC_CODE, HTTP_STATUS, isFault } from '#core/fault';
import { PROBLEM_JSON, problemOf, type Settings } from '#platform';

/** A refusal, spelt for one protocol. */
export interface RefusalAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

export interface Refusal {
  readonly error: unknown;
  /** Overrides what the kind of the fault maps to: 413 and 429 have no kind of their own. */
  readonly status?: number;
  readonly requestId?: string;
}

export interface PublicPath {
  /** Label of the door in metrics and logs. */
  readonly door: string;
  readonly prefixes: readonly string[];
  readonly bodyLimit: keyof Settings['limits'] & `${string}BodyBytes`;
  readonly cors: boolean;
  readonly refuse: (refusal: Refusal) => RefusalAnswer;
}

const GRPC_RESOURCE_EXHAUSTED = 8;
const GRPC_INTERNAL = 13;

function statusOf({ error, status }: Refusal): number {
  return status ?? (isFault(error) ? HTTP_STATUS[error.kind] : 500);
}

function messageOf({ error }: Refusal): string {
  return isFault(error) ? error.message : 'internal error';
}

function json(status: number, value: unknown, contentType = 'application/json'): RefusalAnswer {
  return { status, contentType, body: `${JSON.stringify(value)}\n` };
}

/** grpc-gateway's error: the number is a gRPC code. */
function gatewayError(refusal: Refusal): RefusalAnswer {
  const status = statusOf(refusal);
  const tooMuch = status === 413 || status === 429;
  const fromKind = isFault(refusal.error) ? GRPC_CODE[refusal.error.kind] : GRPC_INTERNAL;
  const code = tooMuch ? GRPC_RESOURCE_EXHAUSTED : fromKind;
  return json(status, { code, message: messageOf(refusal), details: [] });
}

/** go-openapi's error, as Rekor v1 and the timestamp authority write it: the number is the HTTP status. */
function openApiError(refusal: Refusal): RefusalAnswer {
  const status = statusOf(refusal);
  return json(status, { code: status, message: messageOf(refusal) });
}

/** RFC 6749 §5.2 */
function oauthError(refusal: Refusal): RefusalAnswer {
  const status = statusOf(refusal);
  const error = status >= 500 ? 'temporarily_unavailable' : 'invalid_request';
  return json(status, { error, error_description: messageOf(refusal) });
}

/** RFC 9457, for everything that is ours to shape. */
function problem(refusal: Refusal): RefusalAnswer {
  const status = statusOf(refusal);
  return json(status, { ...problemOf(refusal.error, refusal.requestId), status }, PROBLEM_JSON);
}

const PATHS: readonly PublicPath[] = [
  {
    door: 'fulcio',
    prefixes: [
      '/api/v2/signingCert',
      '/api/v2/trustBundle',
      '/api/v2/configuration',
      '/api/v1/signingCert',
      '/api/v1/rootCert',
      '/dev.sigstore.fulcio.v2.CA',
    ],
    bodyLimit: 'fulcioBodyBytes',
    cors: true,
    refuse: gatewayError,
  },
  {
    door: 'rekor-v1',
    prefixes: ['/api/v1/log'],
    bodyLimit: 'rekorV1BodyBytes',
    cors: true,
    refuse: openApiError,
  },
  // A search is a name, a digest, a certificate; it is read on the thread that serves everybody.
  {
    door: 'rekor-v1',
    prefixes: ['/api/v1/index'],
    bodyLimit: 'otherBodyBytes',
    cors: true,
    refuse: openApiError,
  },
  {
    door: 'rekor-v2',
    prefixes: ['/api/v2/log', '/api/v2/checkpoint', '/api/v2/tile'],
    bodyLimit: 'rekorV2BodyBytes',
    cors: true,
    refuse: gatewayError,
  },
  {
    door: 'timestamp',
    prefixes: ['/api/v1/timestamp'],
    bodyLimit: 'timestampBodyBytes',
    cors: true,
    refuse: openApiError,
  },
  { door: 'ct', prefixes: ['/ct'], bodyLimit: 'otherBodyBytes', cors: true, refuse: openApiError },
  { door: 'tuf', prefixes: ['/tuf'], bodyLimit: 'otherBodyBytes', cors: true, refuse: problem },
  { door: 'boundaries', prefixes: ['/airseal/v1/boundaries'], bodyLimit: 'otherBodyBytes', cors: true, refuse: problem },
  {
    door: 'statements',
    prefixes: ['/airseal/v1/statements'],
    bodyLimit: 'statementBodyBytes',
    cors: true,
    refuse: problem,
  },
  {
    door: 'search',
    prefixes: ['/airseal/v1/search'],
    bodyLimit: 'otherBodyBytes',
    cors: true,
    refuse: problem,
  },
  { door: 'oidc', prefixes: ['/oidc'], bodyLimit: 'otherBodyBytes', cors: false, refuse: oauthError },
  {
    door: 'health',
    prefixes: ['/livez', '/readyz', '/healthz', '/ping'],
    bodyLimit: 'otherBodyBytes',
    cors: false,
    refuse: problem,
  },
];

const ELSEWHERE: PublicPath = {
  door: 'none',
  prefixes: [],
  bodyLimit: 'otherBodyBytes',
  cors: false,
  refuse: problem,
};

/** Which door `url` (normalised, query allowed) belongs to. */
export function publicPathOf(url: string): PublicPath {
  const queryAt = url.indexOf('?');
  const path = queryAt === -1 ? url : url.slice(0, queryAt);
  return (
    PATHS.find(({ prefixes }) =>
      prefixes.some((prefix) => path === prefix || path.startsWith(`${prefix}/`)),
    ) ?? ELSEWHERE
  );
}
