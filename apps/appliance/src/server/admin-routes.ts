import type { FastifyInstance } from 'fastify';

/**
 * Administrative verbs, served on a Unix socket only.
 *
 * A door adds its routes in the constructor of its module, under `/v1/<what>`. JSON bodies arrive parsed; a
 * thrown Fault becomes a problem document.
 */
export class AdminRoutes {
  readonly #all: ((admin: FastifyInstance) => void)[] = [];

  add(routes: (admin: FastifyInstance) => void): void {
    this.#all.push(routes);
  }

  register(admin: FastifyInstance): void {
    for (const routes of this.#all) routes(admin);
  }
}
