import { accountOperations, accountSchemas } from '../doors/oidc/account.declaration.js';
import {
  machineIdentityOperations,
  machineIdentitySchemas,
} from '../doors/oidc/machine-identity.declaration.js';
import { clockOperations, clockSchemas } from '../doors/clock/clock.declaration.js';
import { healthDeclaration } from '../doors/health/health.declaration.js';
import { adoptHeadOperations, adoptHeadSchemas } from '../doors/logs/adopt-head.declaration.js';
import { verificationOperations, verificationSchemas } from '../doors/logs/verification.declaration.js';
import { reconcileOperations, reconcileSchemas } from '../doors/evidence/reconcile.declaration.js';
import { type DoorDeclaration, Problem } from '../openapi/declaration.js';

const health = healthDeclaration.operations.filter(({ path }) => path === '/livez' || path === '/readyz');

export const adminDeclaration: DoorDeclaration = {
  name: 'admin',
  title: 'Administration',
  about:
    'HTTP on a Unix socket of mode 0600, never on a port: who may open the socket, may administer. Doors add their verbs.',
  schemas: {
    ...machineIdentitySchemas,
    ...accountSchemas,
    ...adoptHeadSchemas,
    ...clockSchemas,
    ...verificationSchemas,
    ...reconcileSchemas,
    ...healthDeclaration.schemas,
    Problem,
  },
  operations: [
    ...machineIdentityOperations,
    ...accountOperations,
    ...adoptHeadOperations,
    ...clockOperations,
    ...verificationOperations,
    ...reconcileOperations,
    ...health,
    {
      method: 'get',
      path: '/metrics',
      about: 'Prometheus metrics.',
      answers: { 200: { about: 'the text format of Prometheus', content: [{ type: 'text/plain' }] } },
    },
  ],
};
