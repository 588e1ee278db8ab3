/**
 * The public server: one TLS port for HTTP/2, HTTP/1.1 and gRPC, chosen by ALPN and content type.
 *
 * Every request passes, in this order: an id (the caller's, if it is one), counting and the log line,
 * cross-origin headers, pressure, the body limit of its path while the body streams in. Bodies reach doors
 * as the bytes that came, whatever their content type: the codecs of `#core` decide what they mean. Nothing
 * is compressed and no ETag is invented, because clients compare bytes and read ETags as identifiers.
 */
import type { IncomingMessage } from 'node:http';
import type { Http2SecureServer, ServerHttp2Stream } from 'node:http2';
import { randomBytes } from 'node:crypto';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Fault } from '#core/fault';
import type { Clock, Logger, Metrics, Settings } from '#platform';
import { BodyAllowance, type BodyShare, collectBody } from './collect-body.js';
import { countRequests } from './count-requests.js';
import { meterRekor } from './meter-rekor.js';
import { normaliseUrl } from './normalise-url.js';
import { Pressure } from './pressure.js';
import { publicPathOf } from './public-paths.js';
import { answerRefusal } from './answer-refusal.js';
import type { TlsPair } from './tls-files.js';

export interface PublicServerParts {
  readonly settings: Settings;
  readonly tls: TlsPair;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

const SPELLING_OF_AN_ID = /^[A-Za-z0-9._:-]{1,128}$/;

/** The caller's request id if it can be logged safely, or a new one. */
export function requestId(headers: IncomingMessage['headers']): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && SPELLING_OF_AN_ID.test(given) ? given : randomBytes(12).toString('hex');
}

/** Nest's adapter over that server; nothing listens yet. */
export function publicServer(parts: PublicServerParts): FastifyAdapter<Http2SecureServer> {
  const { settings, tls } = parts;
  const adapter = new FastifyAdapter<Http2SecureServer>({
    http2: true,
    https: {
      ...tls,
      allowHTTP1: true,
      minVersion: 'TLSv1.2',
      settings: { maxConcurrentStreams: 256 },
      // Slow senders on HTTP/1.1: headers within 20 s, a whole request within 60 s (CONTRACTS §1.1).
      headersTimeout: 20_000,
      requestTimeout: 60_000,
    } as object,
    // Fastify's own HTTP/2 idle time; clients open a new session without noticing.
    http2SessionTimeout: 75_000,
    // True would cut HTTP/1.1 requests that are under way; Listeners closes what is idle.
    forceCloseConnections: false,
    bodyLimit: settings.limits.otherBodyBytes,
    routerOptions: { maxParamLength: 2048 },
    logger: false,
    requestIdHeader: false,
    genReqId: (request: { headers: IncomingMessage['headers'] }) => requestId(request.headers),
    rewriteUrl: (request: { url?: string | undefined }) => normaliseUrl(request.url ?? '/'),
    frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
      const cause = new Fault('malformed', 'server/bad-request', 'the request line does not parse', {
        cause: error,
      });
      answerRefusal(request, reply, { error: cause, status: error.statusCode ?? 400 });
    },
    skipMiddie: true,
    multipart: false,
  } as ConstructorParameters<typeof FastifyAdapter<Http2SecureServer>>[0]);
  prepare(adapter.getInstance() as unknown as FastifyInstance, parts);
  return adapter;
}

function prepare(server: FastifyInstance, { settings, clock, logger, metrics }: PublicServerParts): void {
  server.removeAllContentTypeParsers();
  collectBodies(server, new BodyAllowance(settings.limits.bodyBytesInFlight), metrics);
  server.addHook('onRoute', (route) => {
    route.bodyLimit ??= settings.limits[publicPathOf(route.url).bodyLimit];
  });
  server.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    done();
  });
  server.addHook('onSend', (request, reply, _payload, done) => {
    // Fastify asks to close the connection after a refused body; HTTP/2 has no such header (RFC 9113 §8.2.2).
    if (request.raw.httpVersionMajor === 2) reply.removeHeader('connection');
    done();
  });
  countRequests(server, logger, metrics);
  meterRekor(server, metrics);
  server.addHook('onRequest', crossOrigin);
  underPressure(server, new Pressure(settings.limits, clock), metrics);
}

/** Bodies reach doors as one buffer; what it holds is given back when the request has left. */
function collectBodies(server: FastifyInstance, allowance: BodyAllowance, metrics: Metrics): void {
  metrics.readGauge('airseal_http_body_bytes', 'Octets that large bodies hold', () => allowance.held);
  const shares = new WeakMap<FastifyRequest, BodyShare>();
  server.addHook('onRequest', (request, reply, done) => {
    if (request.method === 'POST' || request.method === 'PUT') {
      const share = allowance.share();
      shares.set(request, share);
      reply.raw.once('close', share.giveBack);
    }
    done();
  });
  server.addContentTypeParser('*', async (request: FastifyRequest, payload: IncomingMessage) => {
    const announced = request.headers['content-length'];
    return await collectBody(payload, {
      limit: request.routeOptions.bodyLimit,
      announced: announced === undefined ? undefined : Number(announced),
      // No other method brings a body that is worth reading.
      share: shares.get(request) ?? new BodyAllowance(0).share(),
    });
  });
}

/** Any origin may read what is public anyway; no cookie is ever involved. */
function crossOrigin(request: FastifyRequest, reply: FastifyReply, done: () => void): void {
  if (!publicPathOf(request.url).cors) return done();
  reply.header('access-control-allow-origin', '*');
  reply.header('access-control-expose-headers', 'location, etag, x-request-id, x-log-index');
  if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined)
    return done();
  void reply
    .code(204)
    .header('access-control-allow-methods', 'GET, HEAD, POST, OPTIONS')
    .header('access-control-allow-headers', 'accept, authorization, content-type, x-request-id')
    .header('access-control-max-age', '86400')
    .send();
}

function underPressure(server: FastifyInstance, pressure: Pressure, metrics: Metrics): void {
  const refused = metrics.counter('airseal_http_refused_total', 'Requests turned away under pressure', [
    'reason',
  ]);
  metrics.readGauge('airseal_http_requests_in_flight', 'Requests under way', () => pressure.inFlight);
  server.addHook('onRequest', (request, reply, done) => {
    if (publicPathOf(request.url).door === 'health') return done();
    const verdict = pressure.enter(request.ip);
    if (verdict === 'admitted') {
      leaveOnce(request, reply, pressure);
      return done();
    }
    refused.inc({ reason: verdict });
    const busy = verdict === 'busy';
    const error = new Fault(
      'unavailable',
      busy ? 'server/busy' : 'server/too-often',
      busy ? 'too many requests are under way; retry' : 'too many requests from your address; retry',
      { retryAfterSeconds: 1 },
    );
    answerRefusal(request, reply, { error, status: busy ? 503 : 429 });
  });
}

/** How long a caller may go on sending after the answer was written. */
const LINGER_MS = 1000;

/**
 * A request has left when its answer is written, even if its sender still holds back part of the body. Over
 * HTTP/2 the stream would stay open until the caller closes it; after a moment we do (RFC 9113 §8.1), or
 * half-sent requests would fill the appliance up.
 */
function leaveOnce(request: FastifyRequest, reply: FastifyReply, pressure: Pressure): void {
  let left = false;
  const leave = (): void => {
    if (left) return;
    left = true;
    pressure.leave();
  };
  reply.raw.once('close', leave);
  // Node's compatibility response says 'finish' only when the whole stream has closed.
  const { stream } = request.raw as unknown as { stream?: ServerHttp2Stream };
  stream?.once('finish', () => {
    leave();
    if (stream.readableEnded) return;
    setTimeout(() => {
      // RST_STREAM with NO_ERROR. close() would keep stream and session alive over unread octets.
      stream.destroy();
    }, LINGER_MS).unref();
  });
}
