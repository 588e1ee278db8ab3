import { Controller, Get, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { SearchLogs } from '#search';
import { formatFound, readSearchQuery } from './search-answers.js';

/** One search over both faces of the log. */
@Controller('airseal/v1/search')
export class SearchController {
  readonly #logs: SearchLogs;

  constructor(logs: SearchLogs) {
    this.#logs = logs;
  }

  @Get()
  async search(@Query() query: Record<string, unknown>, @Res() reply: FastifyReply): Promise<void> {
    const found = await this.#logs.search(readSearchQuery(query));
    void reply
      .code(200)
      .header('content-type', 'application/json')
      .header('cache-control', 'no-cache')
      .send(`${JSON.stringify(formatFound(found))}\n`);
  }
}
