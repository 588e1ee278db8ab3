import { type ArgumentsHost, Catch, type ExceptionFilter, Inject } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LOGGER, logError, type Logger } from '#platform';
import { rekorV1Refusal } from './rekor-v1-refusal.js';

@Catch()
export class RekorV1ErrorFilter implements ExceptionFilter {
  readonly #logger: Logger;

  constructor(@Inject(LOGGER) logger: Logger) {
    this.#logger = logger;
  }

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    logError(this.#logger, error, { requestId: request.id, door: 'rekor-v1' });
    if (reply.sent) return;
    const { status, headers, body } = rekorV1Refusal(error);
    void reply
      .code(status)
      .headers(headers)
      .header('content-type', 'application/json')
      .send(Buffer.from(body));
  }
}
