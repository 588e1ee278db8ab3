/**
 * What no door caught: unknown paths, bodies that are too large, defects.
 *
 * The server turns what Fastify and Nest throw into faults here, so that there is one mapping to statuses,
 * and logs each at the level of its kind. A defect's text stays in the log.
 */
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Fault, isFault } from '#core/fault';
import { logError, type Logger } from '#platform';
import { answerRefusal } from './answer-refusal.js';

@Catch()
export class ErrorFilter implements ExceptionFilter {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const { error, status } = asRefusal(thrown);
    logError(this.#logger, error, { requestId: request.id });
    if (reply.sent) return;
    answerRefusal(request, reply, status === undefined ? { error } : { error, status });
  }
}

function asRefusal(thrown: unknown): { error: unknown; status?: number } {
  if (isFault(thrown)) return { error: thrown };
  const status = statusOf(thrown);
  if (status === undefined || status >= 500) return { error: thrown };
  if (status === 404)
    return {
      error: new Fault('absent', 'server/no-such-path', 'nothing is served under this path and method'),
    };
  if (status === 413) {
    return {
      status,
      error: new Fault(
        'refused',
        'server/body-too-large',
        'the request body is larger than this path allows',
      ),
    };
  }
  return {
    status,
    error: new Fault('malformed', 'server/bad-request', 'the request cannot be read', { cause: thrown }),
  };
}

function statusOf(thrown: unknown): number | undefined {
  if (thrown instanceof HttpException) return thrown.getStatus();
  if (thrown instanceof Error && 'statusCode' in thrown && typeof thrown.statusCode === 'number')
    return thrown.statusCode;
  return undefined;
}
