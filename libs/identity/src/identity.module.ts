import { readFileSync } from 'node:fs';
import { type DynamicModule, Module, type OnApplicationBootstrap } from '@nestjs/common';
import type pg from 'pg';
import type { DataSource } from 'typeorm';
import { RecordEvent } from '#audit';
import { Fault } from '#core/fault';
import { fromBase64 } from '#core/octets';
import { type Hsm, HSM, type Signer } from '#hsm';
import { TRUST_MATERIAL, type TrustMaterial } from '#instance';
import {
  type Clock,
  CLOCK,
  DATA_SOURCE,
  LOGGER,
  type Logger,
  METRICS,
  type Metrics,
  POOL,
  type Queues,
  QUEUES,
  SETTINGS,
  type Settings,
} from '#platform';
import { BuiltInIssuer } from './issuer/built-in-issuer.js';
import { MachineIdentities } from './issuer/machine-identities.js';
import type { TokenSigner } from './issuer/signing-key.js';
import { RecordSweep } from './issuer/sweep-records.js';
import { Accounts } from './people/accounts.js';
import { Pages } from './people/pages.js';
import { SignIn } from './people/sign-in.js';
import { SignInFailures } from './people/sign-in-failures.js';
import { parseIssuersFile } from './issuers-file.js';
import { ProveIdentity } from './prove-identity.js';

/** `BuiltInIssuer`, or null where the network has issuers of its own. */
export const BUILT_IN_ISSUER = Symbol('BUILT_IN_ISSUER');

type IssuerKey = NonNullable<TrustMaterial['issuer']>['key'];

/** The token is first asked when the first identity token is signed, so a start does not wait for it. */
function signerOf(hsm: Hsm, key: IssuerKey): TokenSigner {
  const { uri, algorithm } = key;
  const spki = fromBase64(key.spki);
  let opened: Promise<Signer> | undefined;
  const open = (): Promise<Signer> =>
    (opened ??= hsm.signer(uri, 'identity-token', { algorithm, spki }).catch((error: unknown) => {
      opened = undefined;
      throw error;
    }));
  return { algorithm, spki, sign: async (message) => (await open()).sign(message) };
}

function readIssuersFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new Fault(
      'absent',
      'identity/issuers-file',
      `cannot read ${path}, which the setting identity.issuers names`,
      { cause },
    );
  }
}

@Module({})
export class IdentityModule implements OnApplicationBootstrap {
  constructor(private readonly sweep: RecordSweep) {}

  static on(imports: DynamicModule[]): DynamicModule {
    return {
      module: IdentityModule,
      imports,
      providers: [
        {
          provide: MachineIdentities,
          inject: [DATA_SOURCE, CLOCK, RecordEvent],
          useFactory: (source: DataSource, clock: Clock, audit: RecordEvent) =>
            new MachineIdentities(source, clock, audit),
        },
        {
          provide: SignInFailures,
          inject: [POOL, CLOCK],
          useFactory: (pool: pg.Pool, clock: Clock) => new SignInFailures(pool, clock),
        },
        {
          provide: Accounts,
          inject: [DATA_SOURCE, CLOCK, SignInFailures, RecordEvent],
          useFactory: (source: DataSource, clock: Clock, failures: SignInFailures, audit: RecordEvent) =>
            new Accounts(source, clock, failures, audit),
        },
        {
          provide: SignIn,
          inject: [Accounts, SignInFailures, METRICS],
          useFactory: (accounts: Accounts, failures: SignInFailures, metrics: Metrics) =>
            new SignIn(accounts, failures, metrics),
        },
        {
          provide: RecordSweep,
          inject: [QUEUES, POOL, LOGGER, SignInFailures],
          useFactory: (queues: Queues, pool: pg.Pool, logger: Logger, failures: SignInFailures) =>
            new RecordSweep(queues.queue('oidc'), pool, failures, logger),
        },
        {
          provide: BUILT_IN_ISSUER,
          inject: [TRUST_MATERIAL, SETTINGS, HSM, POOL, MachineIdentities, Accounts, SignIn, SignInFailures],
          useFactory: (
            { issuer }: TrustMaterial,
            { mode }: Settings,
            hsm: Hsm,
            pool: pg.Pool,
            machines: MachineIdentities,
            accounts: Accounts,
            signIn: SignIn,
            failures: SignInFailures,
          ) =>
            issuer === undefined
              ? null
              : new BuiltInIssuer({
                  url: issuer.url,
                  signer: signerOf(hsm, issuer.key),
                  pool,
                  machines,
                  people: { accounts, signIn, failures, pages: new Pages(mode) },
                }),
        },
        {
          provide: ProveIdentity,
          inject: [SETTINGS, CLOCK, LOGGER, BUILT_IN_ISSUER],
          useFactory: (settings: Settings, clock: Clock, logger: Logger, own: BuiltInIssuer | null) => {
            const issuers = parseIssuersFile(readIssuersFile(settings.identity.issuers));
            if (issuers.ignored.length > 0)
              logger.warn({ ignored: issuers.ignored }, 'keys of the issuers file were ignored');
            return new ProveIdentity({
              issuers,
              clock,
              ownKeys: new Map(own === null ? [] : [[own.url, own.keys]]),
            });
          },
        },
      ],
      exports: [ProveIdentity, MachineIdentities, Accounts, SignIn, BUILT_IN_ISSUER],
    };
  }

  onApplicationBootstrap(): void {
    this.sweep.start();
  }
}
