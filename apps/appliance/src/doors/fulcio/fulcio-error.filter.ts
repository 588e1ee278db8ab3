import { type ArgumentsHost, Catch, type ExceptionFilter, Inject } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LOGGER, logError, type Logger } from '#platform';
import { fulcioRefusal } from './fulcio-refusal.js';

/** Faults in the shape of grpc-gateway, which is what Fulcio's clients parse. */
@Catch()
export class FulcioErrorFilter implements ExceptionFilter {
  readonly #logger: Logger;

  constructor(@Inject(LOGGER) logger: Logger) {
    this.#logger = logger;
  }

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    logError(this.#logger, error, { requestId: request.id, door: 'fulcio' });
    if (reply.sent) return;
    const { status, code, message, retryAfterSeconds } = fulcioRefusal(error);
    if (retryAfterSeconds !== undefined) reply.header('retry-after', String(retryAfterSeconds));
    void reply
      .code(status)
      .header('content-type', 'application/json')
      .send(Buffer.from(JSON.stringify({ code, message, details: [] })));
  }
}
