/**
 * What the appliance says about itself to orchestrators and people.
 *
 * `/livez` means the process answers; `/readyz` means it can do its work, dependency by dependency; `/healthz`
 * and `/ping` are what the upstream services call it. Outside production every answer says DO NOT TRUST.
 */
import type { FastifyReply } from 'fastify';
import type { HealthProbes, Settings } from '#platform';

const WARNING: Readonly<Record<Settings['mode'], string | undefined>> = {
  production: undefined,
  rehearsal: 'DO NOT TRUST: this is a rehearsal',
  evaluation: 'DO NOT TRUST: this is an evaluation',
};

export class HealthAnswers {
  readonly #mode: Settings['mode'];
  readonly #probes: HealthProbes;

  constructor(mode: Settings['mode'], probes: HealthProbes) {
    this.#mode = mode;
    this.#probes = probes;
  }

  live(reply: FastifyReply): FastifyReply {
    return this.#json(reply, 200, { status: 'ok' });
  }

  /** `/healthz` as grpc-gateway answers it. */
  serving(reply: FastifyReply): FastifyReply {
    return this.#json(reply, 200, { status: 'SERVING' });
  }

  /** `/ping` as Rekor answers it: one dot. */
  ping(reply: FastifyReply): FastifyReply {
    const warning = WARNING[this.#mode];
    return reply
      .code(200)
      .header('content-type', 'text/plain; charset=utf-8')
      .header('cache-control', 'no-store')
      .send(warning === undefined ? '.' : `. ${warning}\n`);
  }

  async ready(reply: FastifyReply): Promise<FastifyReply> {
    const { ready, dependencies } = await this.#probes.readiness();
    if (!ready) reply.header('retry-after', '5');
    return this.#json(reply, ready ? 200 : 503, { status: ready ? 'ok' : 'unavailable', dependencies });
  }

  #json(reply: FastifyReply, status: number, answer: object): FastifyReply {
    const warning = WARNING[this.#mode];
    const whole = { ...answer, mode: this.#mode, ...(warning === undefined ? {} : { warning }) };
    return reply
      .code(status)
      .header('content-type', 'application/json')
      .header('cache-control', 'no-store')
      .send(`${JSON.stringify(whole)}\n`);
  }
}
