import { z } from 'zod';
import { type DoorDeclaration, json, JSON_TYPE } from '../../openapi/declaration.js';

const missing = { about: 'no such file', content: [{ type: 'text/plain' }] };

export const tufDeclaration: DoorDeclaration = {
  name: 'tuf',
  title: 'Trust root (TUF)',
  about: 'A repository with consistent snapshots, as files.',
  schemas: {
    Metadata: z.strictObject({
      signatures: z.array(z.looseObject({ keyid: z.string(), sig: z.string() })),
      signed: z.looseObject({
        _type: z.enum(['root', 'targets', 'snapshot', 'timestamp']),
        spec_version: z.string(),
        version: z.int().min(1),
        expires: z.string(),
      }),
    }),
  },
  operations: [
    {
      method: 'get',
      path: '/tuf/{name}',
      about: 'Metadata: `timestamp.json`, or `<version>.<role>.json`.',
      parameters: [{ name: 'name', in: 'path', about: 'file name' }],
      answers: { 200: { about: 'signed metadata', content: json('Metadata') }, 404: missing },
    },
    {
      method: 'get',
      path: '/tuf/targets/{name}',
      about: 'A target under its digest: `<sha256>.<name>`.',
      parameters: [{ name: 'name', in: 'path', about: 'file name' }],
      answers: {
        200: { about: 'the file', content: [{ type: JSON_TYPE }, { type: 'application/octet-stream' }] },
        404: missing,
      },
    },
  ],
};
