import { Controller, Get, Param, Post, Query as QueryString, Req, Res, UseFilters } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { digitallySigned } from '#core/ct';
import { Fault } from '#core/fault';
import type { JsonValue } from '#core/json';
import { toBase64 } from '#core/octets';
import { CtLogs, readSubmission, type CtLog, type CtPromise } from '#ct';
import type { StoredLeaf } from '#tree';
import { doorErrorFilter } from '../../server/door-error-filter.js';
import { bodyOf } from '../../server/request-body.js';
import { hashIn, numberIn, type Query, readChain } from './ct-requests.js';
import { ctRefusal } from './ct-refusal.js';

/** As the reference log caps it. */
const MAX_ENTRIES = 1000n;

function send(reply: FastifyReply, value: JsonValue): void {
  void reply
    .code(200)
    .header('content-type', 'application/json')
    .header('cache-control', 'no-cache')
    .send(Buffer.from(`${JSON.stringify(value)}\n`));
}

function promised({ logId, timestampMs, signature }: CtPromise): JsonValue {
  return {
    sct_version: 0,
    id: toBase64(logId),
    timestamp: Number(timestampMs),
    extensions: '',
    signature: toBase64(digitallySigned(signature)),
  };
}

function entry({ body, extra }: StoredLeaf): { leaf_input: string; extra_data: string } {
  return { leaf_input: toBase64(body), extra_data: toBase64(extra ?? new Uint8Array()) };
}

function notThere(what: string): Fault {
  return new Fault('absent', 'ct/not-found', what);
}

/** The certificate log's API (RFC 6962 §4; CONTRACTS §2.2). */
@Controller('ct/:log/ct/v1')
@UseFilters(doorErrorFilter('ct', ctRefusal))
export class CtController {
  readonly #logs: CtLogs;

  constructor(logs: CtLogs) {
    this.#logs = logs;
  }

  @Post('add-pre-chain')
  async addPreChain(
    @Param('log') name: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.#add('precertificate', name, request, reply);
  }

  @Post('add-chain')
  async addChain(
    @Param('log') name: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.#add('certificate', name, request, reply);
  }

  @Get('get-sth')
  sth(@Param('log') name: string, @Res() reply: FastifyReply): void {
    const { note } = this.#log(name).tree.head();
    void reply
      .code(200)
      .header('content-type', 'application/json')
      .header('cache-control', 'no-cache')
      .send(Buffer.from(`${note}\n`));
  }

  @Get('get-sth-consistency')
  async consistency(
    @Param('log') name: string,
    @QueryString() query: Query,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { tree } = this.#log(name);
    const [first, second] = [numberIn(query, 'first'), numberIn(query, 'second')];
    if (first > second)
      throw new Fault('malformed', 'ct/request', "parameter 'first' must not be larger than 'second'");
    if (second > tree.size) throw new Fault('malformed', 'ct/request', `the log has ${tree.size} entries`);
    send(reply, { consistency: (await tree.consistency(first, second)).map(toBase64) });
  }

  @Get('get-proof-by-hash')
  async proofByHash(
    @Param('log') name: string,
    @QueryString() query: Query,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { tree } = this.#log(name);
    const [hash, size] = [hashIn(query, 'hash'), numberIn(query, 'tree_size')];
    if (size < 1n || size > tree.size)
      throw new Fault('malformed', 'ct/request', `parameter 'tree_size' must be 1 to ${tree.size}`);
    const index = await tree.findByHash(hash);
    if (index === undefined || index >= size) throw notThere('no entry of that tree has this leaf hash');
    const path = await tree.inclusion(index, size);
    send(reply, { leaf_index: Number(index), audit_path: path.map(toBase64) });
  }

  @Get('get-entries')
  async entries(
    @Param('log') name: string,
    @QueryString() query: Query,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { tree } = this.#log(name);
    const [start, end] = [numberIn(query, 'start'), numberIn(query, 'end')];
    if (start > end)
      throw new Fault('malformed', 'ct/request', "parameter 'start' must not be larger than 'end'");
    if (start >= tree.size) throw new Fault('malformed', 'ct/request', `the log has ${tree.size} entries`);
    const last = end - start < MAX_ENTRIES ? end : start + MAX_ENTRIES - 1n;
    send(reply, { entries: (await tree.leaves(start, last + 1n)).map(entry) });
  }

  @Get('get-roots')
  roots(@Param('log') name: string, @Res() reply: FastifyReply): void {
    send(reply, { certificates: this.#log(name).roots.map(toBase64) });
  }

  @Get('get-entry-and-proof')
  async entryAndProof(
    @Param('log') name: string,
    @QueryString() query: Query,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { tree } = this.#log(name);
    const [index, size] = [numberIn(query, 'leaf_index'), numberIn(query, 'tree_size')];
    if (size < 1n || size > tree.size || index >= size) {
      throw new Fault(
        'malformed',
        'ct/request',
        `parameter 'tree_size' must be 1 to ${tree.size} and larger than 'leaf_index'`,
      );
    }
    const [leaf, path] = await Promise.all([tree.leaf(index), tree.inclusion(index, size)]);
    if (leaf === undefined) throw notThere('there is no such entry');
    send(reply, { ...entry(leaf), audit_path: path.map(toBase64) });
  }

  #log(name: string): CtLog {
    return this.#logs.named(name);
  }

  async #add(
    kind: 'certificate' | 'precertificate',
    name: string,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<void> {
    const log = this.#log(name);
    const { entry: submitted, extra } = readSubmission(kind, readChain(bodyOf(request)), log.roots);
    send(reply, promised(await log.add(submitted, extra)));
  }
}
