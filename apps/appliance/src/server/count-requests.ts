/** One count, one timing and one log line for each request, under names that existing boards know. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Logger, Metrics } from '#platform';
import { publicPathOf } from './public-paths.js';

/** Labels come from callers otherwise, and every new one costs memory for ever. */
const METHODS = new Set(['get', 'head', 'post', 'put', 'delete', 'options']);

/** What must be noted on arrival: a door may rewrite the path, and a closed HTTP/2 stream forgets its caller. */
interface Arrival {
  readonly door: string;
  readonly path: string;
  readonly from: string;
}

const NOWHERE: Arrival = { door: 'none', path: '', from: '' };

export function countRequests(server: FastifyInstance, logger: Logger, metrics: Metrics): void {
  const total = metrics.counter('http_requests_total', 'HTTP and gRPC requests answered', [
    'door',
    'method',
    'code',
  ]);
  const seconds = metrics.histogram(
    'airseal_http_request_duration_seconds',
    'Time from the request line to the end of the answer',
    ['door', 'method'],
  );
  // The fields below are flat and none is a secret, so looking for one in each is spared; what looks like a token is
  // struck from this line as from every other.
  const lines = logger.child({}, { redact: [] });
  const arrivals = new WeakMap<FastifyRequest, Arrival>();
  server.addHook('onRequest', (request, _reply, done) => {
    arrivals.set(request, {
      door: publicPathOf(request.url).door,
      // Without the query, which may carry codes that are worth something.
      path: request.url.split('?', 1)[0]?.slice(0, 256) ?? '',
      from: request.ip,
    });
    done();
  });
  server.addHook('onResponse', (request, reply, done) => {
    const { door, path, from } = arrivals.get(request) ?? NOWHERE;
    const spelling = request.method.toLowerCase();
    const method = METHODS.has(spelling) ? spelling : 'other';
    const code = reply.raw.statusCode;
    total.inc({ door, method, code: String(code) });
    seconds.observe({ door, method }, reply.elapsedTime / 1000);
    const line = {
      requestId: request.id,
      door,
      method: request.method,
      path,
      status: code,
      ms: Math.round(reply.elapsedTime * 10) / 10,
      from,
      http: request.raw.httpVersion,
    };
    if (door === 'health') lines.debug(line, 'answered');
    else lines.info(line, 'answered');
    done();
  });
}
