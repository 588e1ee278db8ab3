/**
 * How a door says no: the fault is logged under the request's id, and the caller gets it as that protocol spells it.
 *
 * What differs between protocols is one function from an error to an answer; a door names it and this runs it.
 */
import { type ArgumentsHost, Catch, type ExceptionFilter, Inject, type Type } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isFault } from '#core/fault';
import { LOGGER, logError, type Logger } from '#platform';

/** A refusal, spelt for one protocol. */
export interface DoorRefusal {
  readonly status: number;
  /** With the content type. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** When to come again, as a header, if the error says so (RFC 9110 §10.2.3). */
export function retryAfter(error: unknown): Record<string, string> {
  const seconds = isFault(error) ? error.retryAfterSeconds : undefined;
  return seconds === undefined ? {} : { 'retry-after': String(seconds) };
}

/** A filter for the controllers of `door`. */
export function doorErrorFilter(
  door: string,
  refusalOf: (error: unknown) => DoorRefusal,
): Type<ExceptionFilter> {
  @Catch()
  class DoorErrorFilter implements ExceptionFilter {
    readonly #logger: Logger;

    // Nest makes filters by itself, whatever a provider says, so the token must stand here.
    constructor(@Inject(LOGGER) logger: Logger) {
      this.#logger = logger;
    }

    catch(error: unknown, host: ArgumentsHost): void {
      const request = host.switchToHttp().getRequest<FastifyRequest>();
      const reply = host.switchToHttp().getResponse<FastifyReply>();
      logError(this.#logger, error, { requestId: request.id, door });
      if (reply.sent) return;
      const { status, headers, body } = refusalOf(error);
      // As octets: to text Fastify would add a charset, and clients compare bytes.
      void reply.code(status).headers(headers).send(Buffer.from(body));
    }
  }
  return DoorErrorFilter;
}
