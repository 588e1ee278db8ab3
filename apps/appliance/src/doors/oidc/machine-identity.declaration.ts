import { z } from 'zod';
import { json, type Operation } from '../../openapi/declaration.js';

const Machine = {
  clientId: z.string(),
  name: z.string(),
  email: z.string(),
  authentication: z.enum(['secret', 'key']),
  createdAt: z.iso.datetime(),
};

const PATH = '/admin/v1/machine-identities';

export const machineIdentitySchemas = {
  NewMachine: z.strictObject({
    name: z.string(),
    email: z.string().describe('what its certificates will say'),
    publicKeyJwk: z
      .record(z.string(), z.unknown())
      .optional()
      .describe('where the machine proves itself by a key (private_key_jwt) instead of a secret'),
  }),
  RegisteredMachine: z.strictObject({
    ...Machine,
    clientSecret: z.string().optional().describe('told once and never again'),
    issuer: z.string(),
    tokenEndpoint: z.string(),
  }),
  Machines: z.strictObject({ machines: z.array(z.strictObject(Machine)) }),
};

const refused = {
  about: 'problem details',
  content: [{ type: 'application/problem+json', schema: 'Problem' }],
};

export const machineIdentityOperations: readonly Operation[] = [
  {
    method: 'post',
    path: PATH,
    about: 'Registers a machine with the built-in issuer.',
    request: json('NewMachine'),
    answers: {
      201: { about: 'its credentials', content: json('RegisteredMachine') },
      400: refused,
      409: refused,
    },
  },
  {
    method: 'get',
    path: PATH,
    about: 'Machines that the built-in issuer knows.',
    answers: { 200: { about: 'without secrets', content: json('Machines') } },
  },
  {
    method: 'delete',
    path: `${PATH}/{name}`,
    about: 'Takes a machine’s credentials away.',
    parameters: [{ name: 'name', in: 'path', about: 'name of the machine' }],
    answers: { 204: { about: 'it gets no more tokens' }, 404: refused },
  },
];
