import { Controller, Get, Param, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { PublishedFiles, type PublishedFile } from './published-files.js';

/** The trust root, as files. */
@Controller('tuf')
export class TufController {
  readonly #files: PublishedFiles;

  constructor(files: PublishedFiles) {
    this.#files = files;
  }

  @Get(':name')
  async metadata(@Param('name') name: string, @Res() reply: FastifyReply): Promise<void> {
    send(reply, await this.#files.metadata(name));
  }

  @Get('targets/:name')
  async target(@Param('name') name: string, @Res() reply: FastifyReply): Promise<void> {
    send(reply, await this.#files.target(name));
  }
}

function send(reply: FastifyReply, file: PublishedFile | undefined): void {
  if (file === undefined) {
    void reply.code(404).header('content-type', 'text/plain').send('not found\n');
    return;
  }
  // Couriers and proxies may keep what never changes; the two current names must be asked for again.
  const cache = file.immutable ? 'public, max-age=31536000, immutable' : 'no-cache';
  void reply
    .code(200)
    .header('content-type', file.contentType)
    .header('cache-control', cache)
    .header('content-length', file.bytes.length)
    .send(Buffer.from(file.bytes));
}
