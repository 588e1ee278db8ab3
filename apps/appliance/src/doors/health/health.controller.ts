import { Controller, Get, Inject, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { HealthAnswers } from './health-answers.js';

@Controller()
export class HealthController {
  readonly #health: HealthAnswers;

  constructor(@Inject(HealthAnswers) health: HealthAnswers) {
    this.#health = health;
  }

  @Get('livez')
  live(@Res() reply: FastifyReply): void {
    void this.#health.live(reply);
  }

  @Get('readyz')
  async ready(@Res() reply: FastifyReply): Promise<void> {
    await this.#health.ready(reply);
  }

  @Get('healthz')
  serving(@Res() reply: FastifyReply): void {
    void this.#health.serving(reply);
  }

  @Get('ping')
  ping(@Res() reply: FastifyReply): void {
    void this.#health.ping(reply);
  }
}
