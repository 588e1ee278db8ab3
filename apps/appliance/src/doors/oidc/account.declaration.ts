import { z } from 'zod';
import { json, type Operation } from '../../openapi/declaration.js';

const PATH = '/admin/v1/accounts';

export const accountSchemas = {
  NewAccount: z.strictObject({ email: z.string().describe('what certificates will say') }),
  SetPasswordLink: z.strictObject({
    accountId: z.string(),
    email: z.string(),
    setPasswordUrl: z.string().describe('for the person alone; told once and never again'),
    expiresAt: z.iso.datetime(),
  }),
  Accounts: z.strictObject({
    accounts: z.array(
      z.strictObject({
        accountId: z.string().describe('subject of tokens; never used again for anybody else'),
        email: z.string(),
        state: z.enum(['active', 'disabled', 'no-password']),
        createdAt: z.iso.datetime(),
        lastSignInAt: z.iso.datetime().nullable(),
        lockedUntil: z.iso.datetime().nullable().describe('after too many wrong passwords'),
      }),
    ),
  }),
};

const refused = {
  about: 'problem details',
  content: [{ type: 'application/problem+json', schema: 'Problem' }],
};
const parameters = [{ name: 'email', in: 'path', about: 'address of the account' }] as const;
const link = {
  about: 'a link with which the person sets a password, once',
  content: json('SetPasswordLink'),
};

export const accountOperations: readonly Operation[] = [
  {
    method: 'post',
    path: PATH,
    about: 'Makes a local account for a person.',
    request: json('NewAccount'),
    answers: { 201: link, 400: refused, 409: refused },
  },
  {
    method: 'get',
    path: PATH,
    about: 'People that the built-in issuer knows.',
    answers: { 200: { about: 'without secrets', content: json('Accounts') } },
  },
  {
    method: 'post',
    path: `${PATH}/{email}/reset`,
    about: 'Forgets the password and ends a lock-out.',
    parameters,
    answers: { 200: link, 404: refused },
  },
  {
    method: 'post',
    path: `${PATH}/{email}/disable`,
    about: 'Gives the person no more tokens.',
    parameters,
    answers: { 204: { about: 'from now on' }, 404: refused },
  },
  {
    method: 'post',
    path: `${PATH}/{email}/enable`,
    about: 'Undoes that, and ends a lock-out.',
    parameters,
    answers: { 204: { about: 'the password is the old one' }, 404: refused },
  },
  {
    method: 'delete',
    path: `${PATH}/{email}`,
    about: 'Removes the account.',
    parameters,
    answers: { 204: { about: 'the address may get another, with another subject' }, 404: refused },
  },
];
