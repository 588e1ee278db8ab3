import { Controller, Get, Param, Post, Query as QueryString, Req, Res, UseFilters } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Fault } from '#core/fault';
import { toHex } from '#core/octets';
import { formatPem } from '#core/pem';
import { describeShard, V1Log, type V1Answer } from '#log';
import { doorErrorFilter } from '../../server/door-error-filter.js';
import { bodyOf } from '../../server/request-body.js';
import { entryLocation, rekorV1Refusal } from './rekor-v1-refusal.js';
import { numberIn, type Query, readProofQuery, readSearchRequest, readTreeId } from './rekor-v1-requests.js';

/** What is true now may be larger in a moment. */
const FRESH = {
  'cache-control': 'no-cache, no-store, must-revalidate, max-age=0',
  pragma: 'no-cache',
  expires: '0',
};

/** Compact JSON and one newline: some clients cut answers at fixed offsets (CONTRACTS §3.3). */
function sendJson(reply: FastifyReply, status: number, json: string): void {
  // As bytes: Fastify would add a charset to text.
  void reply
    .code(status)
    .headers(FRESH)
    .header('content-type', 'application/json')
    .send(Buffer.from(`${json}\n`));
}

/** Rekor's v1 API (CONTRACTS §3.2). */
@Controller('api/v1')
@UseFilters(doorErrorFilter('rekor-v1', rekorV1Refusal))
export class RekorV1Controller {
  readonly #log: V1Log;

  constructor(log: V1Log) {
    this.#log = log;
  }

  @Post('log/entries')
  async create(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { entryId, json } = await this.#log.append(bodyOf(request));
    // The ETag is the entry ID, bare: clients look the entry up under it.
    void reply.header('location', entryLocation(entryId)).header('etag', entryId);
    sendJson(reply, 201, json);
  }

  @Get('log/entries')
  async byIndex(@QueryString() query: Query, @Res() reply: FastifyReply): Promise<void> {
    const index = numberIn(query, 'logIndex');
    if (index === undefined) throw new Fault('malformed', 'rekor/parameter', 'logIndex in query is required');
    this.#sendEntry(reply, await this.#log.byIndex(index));
  }

  @Post('log/entries/retrieve')
  async retrieve(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const found = await this.#log.lookUp(bodyOf(request));
    sendJson(reply, 200, `[${found.map(({ json }) => json).join(',')}]`);
  }

  @Get('log/entries/:entryId')
  async byId(@Param('entryId') entryId: string, @Res() reply: FastifyReply): Promise<void> {
    this.#sendEntry(reply, await this.#log.byId(entryId));
  }

  @Get('log')
  log(@Res() reply: FastifyReply): void {
    const active = describeShard(this.#log.active);
    const inactiveShards = this.#log.inactive.filter(({ tree }) => tree.size > 0n).map(describeShard);
    sendJson(reply, 200, JSON.stringify({ ...(active as object), inactiveShards }));
  }

  @Get('log/proof')
  async proof(@QueryString() query: Query, @Res() reply: FastifyReply): Promise<void> {
    const { firstSize, lastSize, treeId } = readProofQuery(query);
    const { tree } = this.#log.shard(treeId);
    if (lastSize > tree.size) {
      throw new Fault(
        'malformed',
        'rekor/request',
        `lastSize(${lastSize}) must be less than or equal to ${tree.size}`,
      );
    }
    const [root, hashes] = await Promise.all([tree.rootAt(lastSize), tree.consistency(firstSize, lastSize)]);
    sendJson(reply, 200, JSON.stringify({ hashes: hashes.map(toHex), rootHash: toHex(root) }));
  }

  @Get('log/publicKey')
  publicKey(@QueryString() query: Query, @Res() reply: FastifyReply): void {
    const { signer } = this.#log.shard(readTreeId(query));
    void reply
      .code(200)
      .headers(FRESH)
      .header('content-type', 'application/x-pem-file')
      .send(formatPem('PUBLIC KEY', signer.spki));
  }

  @Post('index/retrieve')
  async search(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { keys, operator } = readSearchRequest(bodyOf(request));
    sendJson(reply, 200, JSON.stringify(await this.#log.search(keys, operator)));
  }

  #sendEntry(reply: FastifyReply, answer: V1Answer | undefined): void {
    // Rekor's 404 has no body, and Go clients expect none.
    if (answer === undefined) void reply.code(404).headers(FRESH).send();
    else sendJson(reply, 200, answer.json);
  }
}
