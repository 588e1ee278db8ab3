import { type DynamicModule, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import { CLOCK, LOGGER, METRICS, Metrics, systemClock } from '#platform';
import { quietLogger } from './fresh-trees.js';

@Module({})
class Ground {}

/** One door on plain HTTP over what it stands on, with bodies as bytes, as the public server hands them over. */
export async function doorApp(
  provided: ReadonlyMap<unknown, unknown>,
  door: (ground: DynamicModule) => DynamicModule,
): Promise<NestFastifyApplication> {
  const values = new Map<unknown, unknown>([
    [LOGGER, quietLogger],
    [CLOCK, systemClock],
    [METRICS, new Metrics(false)],
    ...provided,
  ]);
  const ground: DynamicModule = {
    module: Ground,
    providers: [...values].map(([provide, useValue]) => ({ provide: provide as symbol, useValue })),
    exports: [...values.keys()] as symbol[],
  };
  const adapter = new FastifyAdapter({ routerOptions: { maxParamLength: 2048 }, bodyLimit: 33_554_432 });
  const server = adapter.getInstance() as unknown as FastifyInstance;
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  const app = await NestFactory.create<NestFastifyApplication>(door(ground), adapter, {
    bodyParser: false,
    logger: false,
  });
  await app.init();
  await server.ready();
  return app;
}
