import type { FastifyRequest } from 'fastify';

/** The body as it came, whatever its content type said; empty when there was none. */
export function bodyOf(request: FastifyRequest): Buffer {
  return Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
}
