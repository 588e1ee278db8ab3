import { Controller, Get, Post, Req, Res, UseFilters } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { doorErrorFilter } from '../../server/door-error-filter.js';
import { bodyOf } from '../../server/request-body.js';
import { TimestampAnswers } from './timestamp-answers.js';
import { timestampRefusal } from './timestamp-refusal.js';

/** The timestamp authority's API (CONTRACTS §5.1). */
@Controller('api/v1/timestamp')
@UseFilters(doorErrorFilter('timestamp', timestampRefusal))
export class TimestampController {
  readonly #answers: TimestampAnswers;

  constructor(answers: TimestampAnswers) {
    this.#answers = answers;
  }

  @Post()
  async stamp(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const response = await this.#answers.stamp(request.headers['content-type'], bodyOf(request));
    void reply.code(200).header('content-type', 'application/timestamp-reply').send(Buffer.from(response));
  }

  @Get('certchain')
  async chain(@Res() reply: FastifyReply): Promise<void> {
    const chain = await this.#answers.chain();
    void reply.code(200).header('content-type', 'application/pem-certificate-chain').send(chain);
  }
}
