import { type ArgumentsHost, Catch, type ExceptionFilter, Inject } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isFault } from '#core/fault';
import { LOGGER, logError, type Logger } from '#platform';
import { timestampRefusal } from './timestamp-refusal.js';

@Catch()
export class TimestampErrorFilter implements ExceptionFilter {
  readonly #logger: Logger;

  // Nest makes filters by itself, whatever a provider says, so the token must stand here.
  constructor(@Inject(LOGGER) logger: Logger) {
    this.#logger = logger;
  }

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    logError(this.#logger, error, { requestId: request.id, door: 'timestamp' });
    if (reply.sent) return;
    if (isFault(error) && error.retryAfterSeconds !== undefined) {
      reply.header('retry-after', String(error.retryAfterSeconds));
    }
    const { status, body } = timestampRefusal(error);
    // As octets: Fastify would add a charset to the content type of a text, which upstream does not send.
    void reply.code(status).header('content-type', 'application/json').send(Buffer.from(body));
  }
}
