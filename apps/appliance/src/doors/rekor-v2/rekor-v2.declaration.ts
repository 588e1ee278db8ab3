import { z } from 'zod';
import { Base64, busy, Digits, type DoorDeclaration, GatewayError, json } from '../../openapi/declaration.js';

const Verifier = z.looseObject({
  publicKey: z.looseObject({ rawBytes: Base64 }).optional(),
  x509Certificate: z.looseObject({ rawBytes: Base64 }).optional(),
  keyDetails: z.string().describe('a name of sigstore’s PublicKeyDetails'),
});

export const rekorV2Declaration: DoorDeclaration = {
  name: 'rekor-v2',
  title: 'Transparency log, version 2 (Rekor, tlog-tiles)',
  about: 'A shard is a host name: each has these paths, a tree and a key of its own.',
  schemas: {
    CreateEntryRequest: z.looseObject({
      hashedRekordRequestV002: z
        .looseObject({ digest: Base64, signature: z.looseObject({ content: Base64, verifier: Verifier }) })
        .optional(),
      dsseRequestV002: z
        .looseObject({
          envelope: z.looseObject({
            payload: Base64,
            payloadType: z.string(),
            signatures: z.array(z.looseObject({ sig: Base64, keyid: z.string().optional() })),
          }),
          verifiers: z.array(Verifier),
        })
        .optional(),
    }),
    TransparencyLogEntry: z.strictObject({
      logIndex: Digits,
      logId: z.strictObject({ keyId: Base64 }),
      kindVersion: z.strictObject({ kind: z.string(), version: z.string() }),
      integratedTime: z.literal('0').describe('this log vouches for order, not for time'),
      inclusionPromise: z.null(),
      inclusionProof: z.strictObject({
        logIndex: Digits,
        rootHash: Base64,
        treeSize: Digits,
        hashes: z.array(Base64),
        checkpoint: z.strictObject({ envelope: z.string() }),
      }),
      canonicalizedBody: Base64,
    }),
    Error: GatewayError,
  },
  operations: [
    {
      method: 'post',
      path: '/api/v2/log/entries',
      about: 'Appends an entry.',
      request: json('CreateEntryRequest'),
      answers: {
        201: { about: 'the entry, with proof and checkpoint', content: json('TransparencyLogEntry') },
        400: { about: 'it does not parse, or its signature does not verify', content: json('Error') },
        405: {
          about: 'this shard is frozen',
          content: [{ type: 'text/plain' }],
          headers: { allow: 'GET, HEAD' },
        },
        409: {
          about: 'it is in the log already',
          content: json('Error'),
          headers: { 'x-log-index': 'its index' },
        },
        413: { about: 'larger than the limit of the settings', content: json('Error') },
        ...busy('Error'),
      },
    },
    {
      method: 'get',
      path: '/api/v2/checkpoint',
      about: 'The newest signed checkpoint.',
      answers: { 200: { about: 'signed note', content: [{ type: 'text/plain' }] }, ...busy('Error') },
    },
    {
      method: 'get',
      path: '/api/v2/tile/{path}',
      about: 'A tile (`<level>/<n>[.p/<w>]`) or a bundle of entries (`entries/<n>[.p/<w>]`).',
      parameters: [{ name: 'path', in: 'path', about: 'path of tlog-tiles, slashes included' }],
      answers: {
        200: { about: 'never changes under this name', content: [{ type: 'application/octet-stream' }] },
        404: { about: 'not there, or not there yet', content: [{ type: 'text/plain' }] },
        ...busy('Error'),
      },
    },
  ],
};
