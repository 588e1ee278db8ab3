import { Controller, Get, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { BoundaryStore } from '#audit';
import { formatBoundary, formatGap, readBoundaryQuery } from './boundary-answers.js';

/** Boundary checkpoints of every tree, for whoever wants to know what was in it when. */
@Controller('airseal/v1/boundaries')
export class BoundariesController {
  readonly #store: BoundaryStore;

  constructor(store: BoundaryStore) {
    this.#store = store;
  }

  @Get()
  async list(@Query() query: Record<string, unknown>, @Res() reply: FastifyReply): Promise<void> {
    const asked = readBoundaryQuery(query);
    // One more than asked for says whether there is more.
    const [boundaries, gaps] = await Promise.all([
      this.#store.boundaries({ ...asked, limit: asked.limit + 1 }),
      this.#store.gaps({ ...asked, limit: 10_000 }),
    ]);
    void reply
      .code(200)
      .header('content-type', 'application/json')
      .header('cache-control', 'no-cache')
      .send(
        `${JSON.stringify({
          boundaries: boundaries.slice(0, asked.limit).map(formatBoundary),
          gaps: gaps.map(formatGap),
          more: boundaries.length > asked.limit,
        })}\n`,
      );
  }
}
