import type { FastifyReply, FastifyRequest } from 'fastify';
import { isFault } from '#core/fault';
import { publicPathOf, type Refusal } from './public-paths.js';

/** Says no in the shape of the protocol whose path was asked. */
export function answerRefusal(request: FastifyRequest, reply: FastifyReply, refusal: Refusal): void {
  const answer = publicPathOf(request.url).refuse({ requestId: request.id, ...refusal });
  const after = isFault(refusal.error) ? refusal.error.retryAfterSeconds : undefined;
  if (after !== undefined) reply.header('retry-after', String(after));
  // As bytes: to text Fastify would add a charset, which JSON does not have (RFC 8259 §11).
  void reply.code(answer.status).header('content-type', answer.contentType).send(Buffer.from(answer.body));
}
