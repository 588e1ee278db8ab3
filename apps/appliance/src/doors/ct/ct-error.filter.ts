import { type ArgumentsHost, Catch, type ExceptionFilter, Inject } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { HTTP_STATUS, isFault } from '#core/fault';
import { LOGGER, logError, type Logger } from '#platform';

/** Certificate logs answer errors as plain text (CONTRACTS §2.2). */
@Catch()
export class CtErrorFilter implements ExceptionFilter {
  readonly #logger: Logger;

  constructor(@Inject(LOGGER) logger: Logger) {
    this.#logger = logger;
  }

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    logError(this.#logger, error, { requestId: request.id, door: 'ct' });
    if (reply.sent) return;
    const status = !isFault(error) ? 500 : error.kind === 'unverified' ? 400 : HTTP_STATUS[error.kind];
    if (isFault(error) && error.retryAfterSeconds !== undefined) {
      void reply.header('retry-after', String(error.retryAfterSeconds));
    }
    void reply
      .code(status)
      .header('content-type', 'text/plain; charset=utf-8')
      .header('cache-control', 'no-store')
      .send(
        `${isFault(error) && status < 500 ? error.message : status === 503 ? 'busy; retry' : 'internal error'}\n`,
      );
  }
}
