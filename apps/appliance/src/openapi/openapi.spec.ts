/** Declarations against the doors they stand beside: neither may know a path that the other does not. */
import 'reflect-metadata';
import { describe, expect, test } from '@jest/globals';
import { type Type, RequestMethod } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import type { ClockRecordStore, DeclareTime } from '#clock';
import type { ClockTrust } from '#platform';
import type { Trees } from '#tree';
import type { Accounts, BuiltInIssuer, MachineIdentities } from '#identity';
import { BoundariesController } from '../doors/boundaries/boundaries.controller.js';
import { CtController } from '../doors/ct/ct.controller.js';
import { FulcioController } from '../doors/fulcio/fulcio.controller.js';
import { HealthController } from '../doors/health/health.controller.js';
import { clockRoutes } from '../doors/clock/clock-admin.module.js';
import { verificationRoutes } from '../doors/logs/verification.module.js';
import { evidenceRoutes } from '../doors/evidence/evidence-admin.module.js';
import { logAdminRoutes } from '../doors/logs/log-admin.module.js';
import { accountRoutes } from '../doors/oidc/account-routes.js';
import { machineIdentityRoutes } from '../doors/oidc/machine-identity-routes.js';
import { RekorV1Controller } from '../doors/rekor-v1/rekor-v1.controller.js';
import { RekorV2Controller } from '../doors/rekor-v2/rekor-v2.controller.js';
import { TimestampController } from '../doors/timestamp/timestamp.controller.js';
import { TufController } from '../doors/tuf/tuf.controller.js';
import { formatDocument } from './document.js';
import { everyDeclaration } from './every-declaration.js';

const controllers: readonly (readonly [string, Type])[] = [
  ['fulcio', FulcioController],
  ['rekor-v1', RekorV1Controller],
  ['rekor-v2', RekorV2Controller],
  ['timestamp', TimestampController],
  ['ct', CtController],
  ['tuf', TufController],
  ['boundaries', BoundariesController],
  ['health', HealthController],
];

function routesOf(controller: Type): string[] {
  const base = String(Reflect.getMetadata('path', controller));
  const handlers = Object.getOwnPropertyNames(controller.prototype).map(
    (name) => (controller.prototype as Record<string, object>)[name] ?? {},
  );
  return handlers
    .filter((handler) => Reflect.hasMetadata('method', handler))
    .map((handler) => {
      const method = RequestMethod[Number(Reflect.getMetadata('method', handler))] ?? '';
      const path = [base, String(Reflect.getMetadata('path', handler))]
        .flatMap((part) => part.split('/'))
        .filter((part) => part !== '')
        .map((part) => (part === '*' ? '{path}' : part.replace(/^:(.*)$/, '{$1}')))
        .join('/');
      return `${method.toLowerCase()} /${path}`;
    })
    .sort();
}

describe.each(controllers)('the declaration of %s', (name, controller) => {
  test('knows the paths of its controller, all of them and no other', () => {
    const door = everyDeclaration.find((each) => each.name === name);
    expect(door?.operations.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(
      routesOf(controller),
    );
  });
});

test('the declaration of the administrative socket knows the verbs that doors add, all of them and no other', () => {
  const added: string[] = [];
  const note = (method: string) => (path: string) => {
    added.push(`${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`);
  };
  const admin = {
    get: note('get'),
    post: note('post'),
    delete: note('delete'),
  } as unknown as FastifyInstance;
  // Routes are only described here; nothing behind them is called.
  machineIdentityRoutes({} as MachineIdentities, {} as BuiltInIssuer)(admin);
  accountRoutes({} as Accounts, {} as BuiltInIssuer)(admin);
  logAdminRoutes({} as Trees)(admin);
  verificationRoutes({ coverage: [] }, true)(admin);
  evidenceRoutes(() => Promise.reject(new Error('not called')))(admin);
  clockRoutes({} as ClockTrust, {} as ClockRecordStore, {} as DeclareTime)(admin);
  const declared = everyDeclaration.find(({ name }) => name === 'admin')?.operations ?? [];
  const verbs = declared.filter(({ path }) => path.startsWith('/admin/'));
  expect(verbs.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(added.sort());
});

test.each(everyDeclaration.map((door) => [door.name, door] as const))(
  '%s: every parameter of a path is declared, and every schema is used',
  (_name, door) => {
    for (const { path, parameters = [] } of door.operations) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      expect(parameters.filter((each) => each.in === 'path').map((each) => each.name)).toEqual(inPath);
    }
    const document = formatDocument(door);
    const unused = Object.keys(door.schemas).filter(
      (schema) => !document.includes(`"#/components/schemas/${schema}"`),
    );
    expect(unused).toEqual([]);
  },
);
