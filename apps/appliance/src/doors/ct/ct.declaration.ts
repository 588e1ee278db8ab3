import { z } from 'zod';
import {
  Base64,
  busy,
  Count,
  type DoorDeclaration,
  json,
  OpenApiError,
  type Parameter,
} from '../../openapi/declaration.js';

const log: Parameter = { name: 'log', in: 'path', about: 'name of the shard' };
const number = (name: string, about: string): Parameter => ({
  name,
  in: 'query',
  about,
  required: true,
  type: 'integer',
});
const text = [{ type: 'text/plain' }];
const refusals = {
  400: { about: 'a parameter or certificate that is not accepted', content: text },
  404: { about: 'no such log or entry', content: text },
  ...busy('Busy'),
};
const Leaf = { leaf_input: Base64, extra_data: Base64 };

export const ctDeclaration: DoorDeclaration = {
  name: 'ct',
  title: 'Certificate log (RFC 6962)',
  about: 'Errors of the log itself are plain text; those of the server before it are JSON.',
  schemas: {
    Chain: z.looseObject({ chain: z.array(Base64).min(1).describe('DER certificates, leaf first') }),
    SignedCertificateTimestamp: z.strictObject({
      sct_version: z.literal(0),
      id: Base64,
      timestamp: Count.describe('milliseconds since 1970'),
      extensions: z.literal(''),
      signature: Base64.describe('digitally-signed struct of TLS'),
    }),
    SignedTreeHead: z.strictObject({
      tree_size: Count,
      timestamp: Count,
      sha256_root_hash: Base64,
      tree_head_signature: Base64,
    }),
    Consistency: z.strictObject({ consistency: z.array(Base64) }),
    AuditPath: z.strictObject({ leaf_index: Count, audit_path: z.array(Base64) }),
    Entries: z.strictObject({ entries: z.array(z.strictObject(Leaf)) }),
    EntryAndProof: z.strictObject({ ...Leaf, audit_path: z.array(Base64) }),
    Roots: z.strictObject({ certificates: z.array(Base64) }),
    Busy: OpenApiError,
  },
  operations: [
    ...(['add-pre-chain', 'add-chain'] as const).map((verb) => ({
      method: 'post' as const,
      path: `/ct/{log}/ct/v1/${verb}`,
      about: verb === 'add-chain' ? 'Logs a certificate.' : 'Logs a precertificate.',
      parameters: [log],
      request: json('Chain'),
      answers: {
        200: { about: 'the promise', content: json('SignedCertificateTimestamp') },
        413: { about: 'larger than the limit of the settings', content: json('Busy') },
        ...refusals,
      },
    })),
    {
      method: 'get',
      path: '/ct/{log}/ct/v1/get-sth',
      about: 'The newest signed tree head.',
      parameters: [log],
      answers: { 200: { about: 'the head', content: json('SignedTreeHead') }, ...refusals },
    },
    {
      method: 'get',
      path: '/ct/{log}/ct/v1/get-sth-consistency',
      about: 'A consistency proof.',
      parameters: [log, number('first', 'older size'), number('second', 'newer size')],
      answers: { 200: { about: 'the proof', content: json('Consistency') }, ...refusals },
    },
    {
      method: 'get',
      path: '/ct/{log}/ct/v1/get-proof-by-hash',
      about: 'An inclusion proof.',
      parameters: [
        log,
        { name: 'hash', in: 'query', about: 'base64 leaf hash', required: true },
        number('tree_size', 'size of the tree that the proof is for'),
      ],
      answers: { 200: { about: 'the proof', content: json('AuditPath') }, ...refusals },
    },
    {
      method: 'get',
      path: '/ct/{log}/ct/v1/get-entries',
      about: 'Entries, at most 1000.',
      parameters: [log, number('start', 'first index'), number('end', 'last index')],
      answers: { 200: { about: 'from `start` on', content: json('Entries') }, ...refusals },
    },
    {
      method: 'get',
      path: '/ct/{log}/ct/v1/get-roots',
      about: 'Roots that chains may end in.',
      parameters: [log],
      answers: { 200: { about: 'DER certificates', content: json('Roots') }, ...refusals },
    },
    {
      method: 'get',
      path: '/ct/{log}/ct/v1/get-entry-and-proof',
      about: 'One entry and its inclusion proof.',
      parameters: [log, number('leaf_index', 'index'), number('tree_size', 'size of the tree')],
      answers: { 200: { about: 'both', content: json('EntryAndProof') }, ...refusals },
    },
  ],
};
