import { z } from 'zod';
import { Base64, busy, type DoorDeclaration, json, OpenApiError } from '../../openapi/declaration.js';

export const timestampDeclaration: DoorDeclaration = {
  name: 'timestamp',
  title: 'Timestamp authority',
  about:
    'RFC 3161 timestamps. Refusals that the standard has a status for are tokens with that status, under 200.',
  schemas: {
    TimestampRequest: z.looseObject({
      artifactHash: Base64,
      hashAlgorithm: z.enum(['sha256', 'sha384', 'sha512']),
      certificates: z.boolean().optional(),
      nonce: z.number().optional(),
      tsaPolicyOID: z.string().optional(),
    }),
    Error: OpenApiError,
  },
  operations: [
    {
      method: 'post',
      path: '/api/v1/timestamp',
      about: 'Timestamps a digest.',
      request: [{ type: 'application/timestamp-query' }, ...json('TimestampRequest')],
      answers: {
        200: { about: 'DER TimeStampResp', content: [{ type: 'application/timestamp-reply' }] },
        400: { about: 'not a request that can be answered', content: json('Error') },
        413: { about: 'larger than the limit of the settings', content: json('Error') },
        415: { about: 'another media type', content: json('Error') },
        ...busy('Error'),
      },
    },
    {
      method: 'get',
      path: '/api/v1/timestamp/certchain',
      about: 'The chain of the authority.',
      answers: {
        200: { about: 'PEM, leaf first', content: [{ type: 'application/pem-certificate-chain' }] },
      },
    },
  ],
};
