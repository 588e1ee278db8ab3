/**
 * What the appliance says about itself to orchestrators and people.
 *
 * `/livez` means the process answers; `/readyz` means it can do its work, dependency by dependency; `/healthz`
 * and `/ping` are what the upstream services call it. Outside production every answer says DO NOT TRUST, and every
 * answer says how the time stands: `standalone` where the clock of the machine is the only voice.
 */
import type { FastifyReply } from 'fastify';
import type { ClockTrust, HealthProbes, Settings } from '#platform';

const WARNING: Readonly<Record<Settings['mode'], string | undefined>> = {
  production: undefined,
  rehearsal: 'DO NOT TRUST: this is a rehearsal',
  evaluation: 'DO NOT TRUST: this is an evaluation',
};

export class HealthAnswers {
  readonly #mode: Settings['mode'];
  readonly #probes: HealthProbes;
  readonly #time: Pick<ClockTrust, 'state'>;

  constructor(mode: Settings['mode'], probes: HealthProbes, time: Pick<ClockTrust, 'state'>) {
    this.#mode = mode;
    this.#probes = probes;
    this.#time = time;
  }

  live(reply: FastifyReply): FastifyReply {
    return this.#json(reply, 200, { status: 'ok' });
  }

  /** `/healthz` as grpc-gateway answers it. */
  serving(reply: FastifyReply): FastifyReply {
    return this.#json(reply, 200, { status: 'SERVING' });
  }

  /** `/ping` as Rekor answers it: one dot, so the time is told in a header. */
  ping(reply: FastifyReply): FastifyReply {
    const warning = WARNING[this.#mode];
    return reply
      .code(200)
      .header('content-type', 'text/plain; charset=utf-8')
      .header('cache-control', 'no-store')
      .header('airseal-time', this.#time.state().standing)
      .send(warning === undefined ? '.' : `. ${warning}\n`);
  }

  async ready(reply: FastifyReply): Promise<FastifyReply> {
    const { ready, dependencies } = await this.#probes.readiness();
    if (!ready) reply.header('retry-after', '5');
    return this.#json(reply, ready ? 200 : 503, { status: ready ? 'ok' : 'unavailable', dependencies });
  }

  #json(reply: FastifyReply, status: number, answer: object): FastifyReply {
    const warning = WARNING[this.#mode];
    const time = this.#time.state().standing;
    const whole = { ...answer, mode: this.#mode, time, ...(warning === undefined ? {} : { warning }) };
    return reply
      .code(status)
      .header('content-type', 'application/json')
      .header('cache-control', 'no-store')
      .send(`${JSON.stringify(whole)}\n`);
  }
}
