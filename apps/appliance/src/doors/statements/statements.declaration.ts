import { z } from 'zod';
import {
  busy,
  Digits,
  type DoorDeclaration,
  Hash,
  json,
  type Parameter,
  Problem,
} from '../../openapi/declaration.js';
import { ENVELOPE_TYPE } from './statement-answers.js';

const problem = [{ type: 'application/problem+json', schema: 'Problem' }];
const entry = {
  face: z.enum(['v1', 'v2']),
  tree: z.string(),
  index: Digits,
  logIndex: Digits,
};
const name: Parameter = {
  name: 'sha256',
  in: 'path',
  about: 'SHA-256 of what the envelope signs (its pre-authentication encoding), in hex',
};

export const statementsDeclaration: DoorDeclaration = {
  name: 'statements',
  title: 'Statements',
  about:
    'Signed statements (DSSE envelopes), kept with the entries that were made of them, or handed in later by anybody: accepted if the envelope is the logged one. What is kept is never replaced.',
  schemas: {
    Envelope: z.object({
      payload: z.string(),
      payloadType: z.string(),
      signatures: z.array(z.object({ sig: z.string() })),
    }),
    Deposited: z.strictObject({
      statement: Hash,
      /** Every entry that was made of it. */
      entries: z.array(z.strictObject(entry)),
      href: z.string(),
    }),
    Kept: z.strictObject({
      statement: Hash,
      envelopes: z.array(
        z.strictObject({
          ...entry,
          octets: z.int(),
          /** Of the envelope's own octets. */
          sha256: Hash,
          /** When it was handed in; it came with its entry otherwise. */
          deposited: z.iso.datetime().optional(),
          href: z.string(),
        }),
      ),
    }),
    Problem,
  },
  operations: [
    {
      method: 'put',
      path: '/airseal/v1/statements/{sha256}',
      about: 'Hands in the envelope of an entry, or the bundle that holds it. Nobody need sign in.',
      parameters: [name],
      request: [{ type: ENVELOPE_TYPE, schema: 'Envelope' }, { type: 'application/json' }],
      answers: {
        200: { about: 'it was held already', content: json('Deposited') },
        201: { about: 'it is held now', content: json('Deposited') },
        400: { about: 'no envelope, or not the one it is called', content: problem },
        403: { about: 'larger, or held for more entries, than the settings allow', content: problem },
        404: { about: 'no entry of this log was made of it: log it first', content: problem },
        409: { about: 'another envelope is held for its entry; nothing is replaced', content: problem },
        413: { about: 'a body that is larger than the settings allow', content: problem },
        422: { about: 'a signature that is not the logged one', content: problem },
        ...busy('Problem'),
      },
    },
    {
      method: 'get',
      path: '/airseal/v1/statements/{sha256}',
      about: 'The envelope, octet for octet as it was logged or handed in.',
      parameters: [
        name,
        { name: 'tree', in: 'query', about: 'where several entries were made of it: the tree of one' },
        { name: 'index', in: 'query', about: 'and its index in that tree' },
      ],
      answers: {
        200: { about: 'the envelope', content: [{ type: ENVELOPE_TYPE, schema: 'Envelope' }] },
        400: { about: 'no name of a statement', content: problem },
        404: { about: 'no such statement is held', content: problem },
        ...busy('Problem'),
      },
    },
    {
      method: 'get',
      path: '/airseal/v1/statements/{sha256}/entries',
      about: 'The entries that the statement is held for.',
      parameters: [name],
      answers: {
        200: { about: 'one envelope for each entry', content: json('Kept') },
        400: { about: 'no name of a statement', content: problem },
        404: { about: 'no such statement is held', content: problem },
        ...busy('Problem'),
      },
    },
  ],
};
