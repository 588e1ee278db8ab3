import { Controller, Get, Post, Req, Res, UseFilters } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isFault } from '#core/fault';
import { parseTilePath, type TilePath } from '#core/tile';
import { V2Log, type V2Shard } from '#log';
import { doorErrorFilter } from '../../server/door-error-filter.js';
import { bodyOf } from '../../server/request-body.js';
import { rekorV2Refusal } from './rekor-v2-refusal.js';

const BASE = '/api/v2/';
/** A tile is a prefix of what it will ever be: its bytes never change under one name. */
const IMMUTABLE = 'public, max-age=604800, immutable';

/** Aborts when the connection closes before the answer has been written to it. */
function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  let finished = false;
  reply.raw.once('finish', () => {
    finished = true;
  });
  reply.raw.once('close', () => {
    if (!finished) gone.abort();
  });
  return gone.signal;
}

function tilePathOf(url: string): TilePath | undefined {
  try {
    // The path as it was sent: a decoded one could hide another spelling.
    return parseTilePath(url.slice(BASE.length));
  } catch (error) {
    if (isFault(error)) return undefined;
    throw error;
  }
}

/** Rekor's v2 API (CONTRACTS §4.2, §4.5); a shard is a host name. */
@Controller('api/v2')
@UseFilters(doorErrorFilter('rekor-v2', rekorV2Refusal))
export class RekorV2Controller {
  readonly #log: V2Log;

  constructor(log: V2Log) {
    this.#log = log;
  }

  @Post('log/entries')
  async create(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const gone = goneSignal(reply);
    const answer = await this.#shard(request).append(bodyOf(request), gone);
    reply.raw.once('finish', () => answer.delivered());
    void reply.code(201).header('content-type', 'application/json').send(Buffer.from(answer.json));
  }

  @Get('checkpoint')
  checkpoint(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    const { note } = this.#shard(request).tree.head();
    void reply
      .code(200)
      .header('content-type', 'text/plain; charset=utf-8')
      .header('cache-control', 'no-cache')
      .send(note);
  }

  @Get('tile/*')
  async tile(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { tree } = this.#shard(request);
    const path = tilePathOf(request.url);
    const content =
      path === undefined
        ? undefined
        : path.level === 'entries'
          ? await tree.bundle(path.index, path.width)
          : await tree.tile(path.level, path.index, path.width);
    if (content === undefined) {
      // Not cached: what is not there yet may be there in a moment.
      void reply
        .code(404)
        .header('content-type', 'text/plain; charset=utf-8')
        .header('cache-control', 'no-store')
        .send('404 not found\n');
      return;
    }
    void reply
      .code(200)
      .header('content-type', 'application/octet-stream')
      .header('cache-control', IMMUTABLE)
      .send(Buffer.from(content.buffer, content.byteOffset, content.byteLength));
  }

  #shard(request: FastifyRequest): V2Shard {
    return this.#log.shard(request.hostname);
  }
}
