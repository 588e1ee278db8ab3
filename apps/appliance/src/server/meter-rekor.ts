/**
 * What existing boards of Rekor ask for (names, labels and units as upstream has them).
 *
 * v1 tells paths apart by their pattern and counts nanoseconds; v2 counts seconds and knows no paths. Requests that
 * no route took are not counted here, as upstream does not: the path would be the caller's.
 */
import type { FastifyInstance } from 'fastify';
import type { Metrics } from '#platform';

const NANOSECONDS = 1e6;
/** Ten steps from a millisecond to four seconds, each the same multiple of the one before. */
const V1_BUCKETS = Array.from({ length: 10 }, (_, at) => Math.round(NANOSECONDS * 4000 ** (at / 9)));

const V1 = /^\/api\/v1\/(?:log|index)(?:\/|$)/;
const V2 = /^\/api\/v2\/(?:log|checkpoint|tile)(?:\/|$)/;

/** A route as upstream's description writes it. */
function patternOf(route: string): string {
  return route.replace(/\/$/, '').replace(':entryId', '{entryUUID}');
}

export function meterRekor(server: FastifyInstance, metrics: Metrics): void {
  const v1 = {
    latency: metrics.histogram(
      'rekor_api_latency',
      'Time to answer, in nanoseconds, by path and code',
      ['path', 'code'],
      V1_BUCKETS,
    ),
    byApi: metrics.histogram(
      'rekor_latency_by_api',
      'Time to answer, in nanoseconds, by path and method',
      ['path', 'method'],
      V1_BUCKETS,
    ),
    requests: metrics.counter('rekor_qps_by_api', 'Requests answered, by path, method and code', [
      'path',
      'method',
      'code',
    ]),
  };
  const v2 = {
    latency: metrics.histogram('rekor_v2_http_api_latency', 'Time to answer, in seconds', ['code', 'method']),
    requests: metrics.counter('rekor_v2_http_requests_total', 'Requests answered', ['code', 'method']),
  };
  server.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? '';
    const code = String(reply.raw.statusCode);
    if (V1.test(route)) {
      const path = patternOf(route);
      const { method } = request;
      const nanoseconds = reply.elapsedTime * NANOSECONDS;
      v1.latency.observe({ path, code }, nanoseconds);
      v1.byApi.observe({ path, method }, nanoseconds);
      v1.requests.inc({ path, method, code });
    } else if (V2.test(route)) {
      const method = request.method.toLowerCase();
      v2.latency.observe({ code, method }, reply.elapsedTime / 1000);
      v2.requests.inc({ code, method });
    }
    done();
  });
}
