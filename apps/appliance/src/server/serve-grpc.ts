/**
 * gRPC on the public port: the handlers are Connect's, the bodies come together as every other body does.
 *
 * Connect's own plug-in for Fastify reads the request behind the server's back, so that neither the allowance for
 * bodies under way nor their deadline would hold for it. All our methods take one message, hence a handler may
 * as well be given the whole body at once.
 */
import { createConnectRouter } from '@connectrpc/connect';
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from '@connectrpc/connect-node';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { GRPC_CODE, isFault } from '#core/fault';
import { logError, type Logger } from '#platform';
import type { ConnectRoutes } from './connect-routes.js';
import { bodyOf } from './request-body.js';

const RESOURCE_EXHAUSTED = 8;
const UNIMPLEMENTED = 12;
const INTERNAL = 13;

/** Registers the routes of every door; before the server listens. */
export function serveGrpc(
  server: FastifyInstance,
  routes: ConnectRoutes,
  readMaxBytes: number,
  logger: Logger,
): void {
  // Compressed replies halve the throughput, and some clients compare bytes (MEASURED §1).
  const router = createConnectRouter({ acceptCompression: [], readMaxBytes });
  routes.register(router);
  for (const handle of router.handlers) {
    server.route({
      method: 'POST',
      url: handle.requestPath,
      errorHandler: (error, request, reply) => refuse(logger, error, request, reply),
      handler: async (request, reply) => {
        const asked = universalRequestFromNodeRequest(request.raw, reply.raw, undefined, undefined);
        const answer = await handle({ ...asked, body: whole(bodyOf(request)) });
        // Connect writes to the raw response, which knows nothing of the headers that hooks have set.
        for (const [name, value] of Object.entries(reply.getHeaders())) {
          if (value !== undefined) reply.raw.setHeader(name, value);
        }
        reply.hijack();
        await universalResponseToNodeResponse(answer, reply.raw);
      },
    });
  }
}

async function* whole(body: Uint8Array): AsyncIterable<Uint8Array> {
  yield await Promise.resolve(body);
}

/** What went wrong before a handler was asked, as an answer of trailers only (gRPC over HTTP/2, "Responses"). */
function refuse(logger: Logger, error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  logError(logger, error, { requestId: request.id, door: 'grpc' });
  const { statusCode } = error;
  const tooMuch = statusCode === 413 || statusCode === 429;
  const code = isFault(error) ? GRPC_CODE[error.kind] : tooMuch ? RESOURCE_EXHAUSTED : INTERNAL;
  const message = isFault(error)
    ? error.message
    : tooMuch
      ? 'the message is larger than this service allows'
      : 'internal error';
  void reply
    .code(200)
    .header('content-type', 'application/grpc')
    .header('grpc-status', String(statusCode === 404 ? UNIMPLEMENTED : code))
    .header('grpc-message', encodeURIComponent(message))
    .send();
}
