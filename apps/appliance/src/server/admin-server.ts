/**
 * The administrative verbs: a plain HTTP server on a Unix socket that only its owner may open.
 *
 * There is no admin port; who may open the socket, may administer. The socket is created under a mask that
 * leaves it 0600 from its first instant, since the directory may be open to other users of this machine.
 */
import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';
import { rmSync } from 'node:fs';
import fastify, { type FastifyInstance } from 'fastify';
import { Fault } from '#core/fault';
import { logError, type Logger, type Metrics, PROBLEM_JSON, problemOf } from '#platform';
import type { HealthAnswers } from '../doors/health/health-answers.js';
import type { AdminRoutes } from './admin-routes.js';
import { requestId } from './public-server.js';

export interface AdminServerParts {
  readonly socket: string;
  readonly routes: AdminRoutes;
  readonly health: HealthAnswers;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** Resolves once the socket answers; the result closes it. */
export async function openAdminServer(parts: AdminServerParts): Promise<{ close(): Promise<void> }> {
  await removeStale(parts.socket);
  let server: Server | undefined;
  const admin = fastify({
    logger: false,
    bodyLimit: 1_048_576,
    requestIdHeader: false,
    genReqId: (request) => requestId(request.headers),
    serverFactory: (handler) => (server = createServer(handler)),
  });
  describe(admin, parts);
  await admin.ready();
  if (server === undefined) throw new Error('fastify made no server');
  const listening = server;
  await listenPrivately(listening, parts.socket);
  return {
    close: async () => {
      const closed = new Promise<void>((resolve) => listening.close(() => resolve()));
      listening.closeIdleConnections();
      await admin.close();
      await closed;
    },
  };
}

function describe(admin: FastifyInstance, { routes, health, metrics, logger }: AdminServerParts): void {
  admin.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    done();
  });
  admin.setErrorHandler((error, request, reply) => {
    const known = error instanceof Error && 'statusCode' in error && Number(error.statusCode) < 500;
    const cause = known
      ? new Fault('malformed', 'server/bad-request', error.message, { cause: error })
      : error;
    logError(logger, cause, { requestId: request.id });
    const problem = problemOf(cause, request.id);
    return reply.code(problem.status).header('content-type', PROBLEM_JSON).send(JSON.stringify(problem));
  });
  admin.setNotFoundHandler((request, reply) => {
    const problem = problemOf(
      new Fault('absent', 'server/no-such-path', 'no such administrative verb'),
      request.id,
    );
    return reply.code(404).header('content-type', PROBLEM_JSON).send(JSON.stringify(problem));
  });
  admin.addHook('onResponse', (request, reply, done) => {
    logger.info(
      {
        requestId: request.id,
        door: 'admin',
        method: request.method,
        path: request.url.split('?', 1)[0],
        status: reply.statusCode,
      },
      'answered',
    );
    done();
  });
  admin.get('/metrics', async (_request, reply) =>
    reply.header('content-type', metrics.contentType).send(await metrics.format()),
  );
  admin.get('/livez', (_request, reply) => health.live(reply));
  admin.get('/readyz', (_request, reply) => health.ready(reply));
  routes.register(admin);
}

async function listenPrivately(server: Server, socket: string): Promise<void> {
  const listening = new Promise<void>((resolve, reject) => {
    server.once('listening', resolve);
    server.once('error', (cause) =>
      reject(
        new Fault('unavailable', 'server/cannot-listen', `cannot listen on the socket ${socket}`, { cause }),
      ),
    );
  });
  // The socket is bound before listen() returns, so the mask is ours for no longer than this call.
  const mask = process.umask(0o177);
  try {
    server.listen(socket);
  } finally {
    process.umask(mask);
  }
  await listening;
}

/** A socket that nobody answers on is left over from a crash; one that answers is another appliance. */
async function removeStale(socket: string): Promise<void> {
  const answered = await new Promise<boolean>((resolve) => {
    const probe = connect(socket);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
  if (answered) {
    throw new Fault(
      'conflict',
      'server/already-running',
      `another appliance answers on ${socket}; stop it first`,
    );
  }
  rmSync(socket, { force: true });
}
