import { type DynamicModule, Module } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import type { Pool } from 'pg';
import { z } from 'zod';
import { RecordEvent } from '#audit';
import { ClockRecordStore, DeclareTime, describeReport, type Persons, type Word } from '#clock';
import { Fault } from '#core/fault';
import { SignIn } from '#identity';
import { ClockTrust, ClockWatch, POOL } from '#platform';
import { AdminRoutes } from '../../server/admin-routes.js';
import { CLOCK_PATH, DeclaredTime, PageOfRecords } from './clock.declaration.js';

const CLOCK_ADMIN = Symbol('CLOCK_ADMIN');
const PAGE = 1000;
/** Stands where a network address would, in the count of wrong passwords. */
const SOCKET = 'admin-socket';

/** What operators and auditors may ask about the clock, on the admin socket. */
export function clockRoutes(
  trust: ClockTrust,
  records: ClockRecordStore,
  declare: DeclareTime,
): (admin: FastifyInstance) => void {
  return (admin) => {
    admin.get(CLOCK_PATH, () => describeReport(trust.report()));
    admin.get(`${CLOCK_PATH}/records`, async (request) => {
      const { from, to, after } = read(PageOfRecords, request.query);
      const found = await records.find({ ...window(from, to), afterId: after, limit: PAGE + 1 });
      return { records: found.slice(0, PAGE), more: found.length > PAGE };
    });
    admin.post(`${CLOCK_PATH}/declare`, async (request) =>
      describeReport(await declare.declare(word(request.body))),
    );
    admin.post(`${CLOCK_PATH}/confirm`, async (request) =>
      describeReport(await declare.confirm(word(request.body))),
    );
  };
}

function read<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value);
  if (!result.success) throw new Fault('malformed', 'clock/malformed', z.prettifyError(result.error));
  return result.data;
}

function window(from?: string, to?: string): { fromMs?: number; toMs?: number } {
  return {
    ...(from === undefined ? {} : { fromMs: Date.parse(from) }),
    ...(to === undefined ? {} : { toMs: Date.parse(to) }),
  };
}

function word(body: unknown): Word {
  const { email, password, time, withinSeconds } = read(DeclaredTime, body);
  return { email, password, timeMs: Date.parse(time), withinMs: withinSeconds * 1000 };
}

/** People prove who they are as they do to the built-in issuer: same password, same count of wrong ones. */
function persons(signIn: SignIn): Persons {
  return {
    async prove(email, password) {
      const outcome = await signIn.execute({ email, password, address: SOCKET });
      if (outcome.kind === 'signed-in') return outcome;
      if (outcome.kind === 'wait') {
        throw new Fault(
          'unavailable',
          'clock/person-waits',
          'too many wrong passwords; wait, then try again',
          {
            retryAfterSeconds: Math.ceil(outcome.ms / 1000),
          },
        );
      }
      throw new Fault('refused', 'clock/person', `${email} has no active account with this password`);
    },
  };
}

@Module({})
export class ClockAdminModule {
  static on(imports: DynamicModule[]): DynamicModule {
    return {
      module: ClockAdminModule,
      imports,
      providers: [
        {
          provide: CLOCK_ADMIN,
          inject: [AdminRoutes, POOL, RecordEvent, ClockWatch, ClockTrust, ClockRecordStore, SignIn],
          useFactory: (
            routes: AdminRoutes,
            pool: Pool,
            record: RecordEvent,
            watch: ClockWatch,
            trust: ClockTrust,
            store: ClockRecordStore,
            signIn: SignIn,
          ) => {
            const declare = new DeclareTime({ pool, record, watch, persons: persons(signIn) });
            routes.add(clockRoutes(trust, store, declare));
            return true;
          },
        },
      ],
    };
  }
}
