import { type ArgumentsHost, Catch, type ExceptionFilter, Inject } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LOGGER, logError, type Logger } from '#platform';
import { rekorV2Refusal } from './rekor-v2-refusal.js';

@Catch()
export class RekorV2ErrorFilter implements ExceptionFilter {
  readonly #logger: Logger;

  constructor(@Inject(LOGGER) logger: Logger) {
    this.#logger = logger;
  }

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    logError(this.#logger, error, { requestId: request.id, door: 'rekor-v2' });
    if (reply.sent) return;
    const { status, headers, body } = rekorV2Refusal(error);
    void reply
      .code(status)
      .headers({ ...headers, 'cache-control': 'no-store' })
      .send(Buffer.from(body));
  }
}
