import { type DynamicModule, Module } from '@nestjs/common';
import { IssueCertificate } from '#ca';
import { ProveIdentity } from '#identity';
import { LOGGER, type Logger, type Metrics, METRICS } from '#platform';
import { ConnectRoutes } from '../../server/connect-routes.js';
import { FulcioAnswers } from './fulcio-answers.js';
import { fulcioGrpc } from './fulcio-grpc.js';
import { FulcioController } from './fulcio.controller.js';

const FULCIO_GRPC = Symbol('FULCIO_GRPC');

/** The certificate authority's door; needs the platform, the server, identity and ca below it. */
@Module({})
export class FulcioDoorModule {
  static on(imports: DynamicModule[]): DynamicModule {
    return {
      module: FulcioDoorModule,
      imports,
      controllers: [FulcioController],
      providers: [
        {
          provide: FulcioAnswers,
          inject: [IssueCertificate, ProveIdentity, METRICS],
          useFactory: (ca: IssueCertificate, identities: ProveIdentity, metrics: Metrics) =>
            new FulcioAnswers(ca, identities, metrics),
        },
        {
          provide: FULCIO_GRPC,
          inject: [ConnectRoutes, FulcioAnswers, LOGGER],
          useFactory: (routes: ConnectRoutes, answers: FulcioAnswers, logger: Logger) =>
            routes.add(fulcioGrpc(answers, logger)),
        },
      ],
    };
  }
}
