import { Controller, Get, Param, Put, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DepositStatement, StatementStore } from '#search';
import { bodyOf } from '../../server/request-body.js';
import {
  assertJsonType,
  ENVELOPE_TYPE,
  formatDeposited,
  formatListed,
  notHeld,
  readStatementName,
  readWanted,
} from './statement-answers.js';

/** Signed statements, kept beside the entries that were made of them. */
@Controller('airseal/v1/statements')
export class StatementsController {
  readonly #store: StatementStore;
  readonly #deposit: DepositStatement;

  constructor(store: StatementStore, deposit: DepositStatement) {
    this.#store = store;
    this.#deposit = deposit;
  }

  @Put(':sha256')
  async put(
    @Param('sha256') name: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const pae = readStatementName(name);
    assertJsonType(request.headers['content-type']);
    const deposited = await this.#deposit.execute(pae, bodyOf(request));
    void reply
      .code(deposited.created ? 201 : 200)
      .header('content-type', 'application/json')
      .send(`${JSON.stringify(formatDeposited(deposited))}\n`);
  }

  @Get(':sha256')
  async get(
    @Param('sha256') name: string,
    @Query() query: Record<string, unknown>,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const chosen = await this.#store.find(readStatementName(name), readWanted(query));
    if (chosen === undefined) throw notHeld();
    // As bytes: Fastify would add a charset to text.
    void reply
      .code(200)
      .header('content-type', ENVELOPE_TYPE)
      .header('cache-control', 'no-cache')
      // A stranger's words: no browser is to guess that they are a page.
      .header('x-content-type-options', 'nosniff')
      .send(Buffer.from(chosen.kept.octets));
  }

  @Get(':sha256/entries')
  async entries(@Param('sha256') name: string, @Res() reply: FastifyReply): Promise<void> {
    const pae = readStatementName(name);
    const listed = await this.#store.list(pae);
    if (listed.length === 0) throw notHeld();
    void reply
      .code(200)
      .header('content-type', 'application/json')
      .header('cache-control', 'no-cache')
      .send(`${JSON.stringify(formatListed(pae, listed))}\n`);
  }
}
