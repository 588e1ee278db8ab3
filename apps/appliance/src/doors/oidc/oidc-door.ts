/**
 * The built-in issuer under its path on the public port.
 *
 * The library reads bodies and writes answers itself, so its requests go to it raw: a scope of its own, in which nothing
 * parses, and replies taken out of Fastify's hands.
 */
import type { FastifyInstance } from 'fastify';
import type { BuiltInIssuer } from '#identity';
import { logError, type Logger } from '#platform';

export function openOidcDoor(server: FastifyInstance, issuer: BuiltInIssuer, logger: Logger): void {
  issuer.onError((error) => logError(logger, error, { door: 'oidc' }));
  void server.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, parsed) => parsed(null));
    scope.route({
      method: ['GET', 'POST', 'OPTIONS'],
      url: `${issuer.path}/*`,
      handler: async (request, reply) => {
        reply.hijack();
        // The server may have rewritten the path (doubled slashes); the library reads it from the raw request.
        request.raw.url = request.url;
        // Where the server notes what it rewrote; the library would take the difference for a path it is mounted under.
        Reflect.deleteProperty(request.raw, 'originalUrl');
        try {
          await issuer.handle(request.raw, reply.raw);
        } catch (error) {
          logError(logger, error, { requestId: request.id, door: 'oidc' });
          reply.raw.destroy();
        }
      },
    });
    done();
  });
}
