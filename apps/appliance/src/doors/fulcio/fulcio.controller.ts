import { Controller, Get, Post, Req, Res, UseFilters } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { doorErrorFilter } from '../../server/door-error-filter.js';
import { FulcioAnswers } from './fulcio-answers.js';
import { readV1Request, readV2Request } from './fulcio-requests.js';
import { fulcioAnswer } from './fulcio-refusal.js';

const PEM_CHAIN = 'application/pem-certificate-chain';

/**
 * Fulcio over JSON. Statuses are contract: v2 answers 200 and v1 201, and clients refuse the other (CONTRACTS §0.3).
 * The `Accept` header is not looked at: some clients ask for PEM here and then parse JSON.
 */
@Controller()
@UseFilters(doorErrorFilter('fulcio', fulcioAnswer))
export class FulcioController {
  readonly #answers: FulcioAnswers;

  constructor(answers: FulcioAnswers) {
    this.#answers = answers;
  }

  @Post('api/v2/signingCert')
  async sign(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const certificates = await this.#answers.timed('post', 200, () =>
      this.#answers.sign(readV2Request(request.body, request.headers.authorization)),
    );
    // Exactly one member: sigstore-rs reads the answer as a tagged union.
    sendJson(reply, { signedCertificateEmbeddedSct: { chain: { certificates } } });
  }

  @Get('api/v2/trustBundle')
  async trustBundle(@Res() reply: FastifyReply): Promise<void> {
    const chains = await this.#answers.timed('get', 200, () => this.#answers.trustBundle());
    sendJson(reply, { chains: chains.map((certificates) => ({ certificates })) });
  }

  @Get('api/v2/configuration')
  async configuration(@Res() reply: FastifyReply): Promise<void> {
    sendJson(reply, { issuers: await this.#answers.timed('get', 200, () => this.#answers.issuers()) });
  }

  @Post('api/v1/signingCert')
  async signV1(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const certificates = await this.#answers.timed('post', 201, () =>
      this.#answers.sign(readV1Request(request.body, request.headers.authorization)),
    );
    void reply.code(201).header('content-type', PEM_CHAIN).send(certificates.join('\n'));
  }

  @Get('api/v1/rootCert')
  async rootCert(@Res() reply: FastifyReply): Promise<void> {
    const chains = await this.#answers.timed('get', 200, () => this.#answers.trustBundle());
    void reply.code(200).header('content-type', PEM_CHAIN).send(chains.flat().join('').trimEnd());
  }
}

/** As bytes: to a string the server would add a charset, which JSON does not have (RFC 8259 §11). */
function sendJson(reply: FastifyReply, value: object): void {
  void reply
    .code(200)
    .header('content-type', 'application/json')
    .send(Buffer.from(JSON.stringify(value)));
}
