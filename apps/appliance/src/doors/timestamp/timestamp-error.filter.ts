import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isFault } from '#core/fault';
import { logError, type Logger } from '#platform';
import { timestampRefusal } from './timestamp-refusal.js';

@Catch()
export class TimestampErrorFilter implements ExceptionFilter {
  readonly #logger: Logger;

  constructor(logger: Logger) {
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
    void reply.code(status).header('content-type', 'application/json').send(body);
  }
}
