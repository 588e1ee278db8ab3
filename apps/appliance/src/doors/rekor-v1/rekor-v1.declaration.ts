import { z } from 'zod';
import {
  Base64,
  busy,
  Count,
  Digits,
  type DoorDeclaration,
  Hash,
  json,
  OpenApiError,
} from '../../openapi/declaration.js';

const ENTRY_ID = /^[0-9a-f]{80}$/;

/** A tree identifier as 16 hexadecimal digits, then the leaf hash. */
const EntryId = z.string().regex(ENTRY_ID);

const Entry = z.strictObject({
  attestation: z.strictObject({ data: Base64 }).optional(),
  body: Base64.describe('canonical JSON: the leaf'),
  integratedTime: Count.describe('seconds since 1970'),
  logID: Hash.describe('SHA-256 of the DER public key of the shard'),
  logIndex: Count.describe('over all shards'),
  verification: z.strictObject({
    inclusionProof: z.strictObject({
      checkpoint: z.string(),
      hashes: z.array(Hash),
      logIndex: Count.describe('within the shard'),
      rootHash: Hash,
      treeSize: z.int().min(1),
    }),
    signedEntryTimestamp: Base64.optional().describe('left out where the settings turn promises off'),
  }),
});

const Shard = {
  rootHash: Hash,
  signedTreeHead: z.string().describe('a checkpoint: signed note'),
  treeID: Digits,
  treeSize: Count,
};

const ProposedEntry = z.looseObject({
  apiVersion: z.string(),
  kind: z.enum(['hashedrekord', 'dsse', 'intoto']),
  spec: z.looseObject({}),
});

const refusals = {
  400: { about: 'the request does not parse, or its signature does not verify', content: json('Error') },
  422: { about: 'a parameter out of its range', content: json('Error') },
  ...busy('Error'),
};
const one = { about: 'exactly one entry, under its identifier', content: json('Entries') };
const none = { about: 'no such entry; no body' };
const treeId = { name: 'treeID', in: 'query', about: 'another shard than the active one' } as const;

export const rekorV1Declaration: DoorDeclaration = {
  name: 'rekor-v1',
  title: 'Transparency log, version 1 (Rekor)',
  about: 'Entries of the kinds hashedrekord 0.0.1, dsse 0.0.1, intoto 0.0.1 and 0.0.2.',
  schemas: {
    ProposedEntry,
    Entries: z.record(z.string().regex(ENTRY_ID), Entry),
    Log: z.strictObject({ ...Shard, inactiveShards: z.array(z.strictObject(Shard)) }),
    Proof: z.strictObject({ hashes: z.array(Hash), rootHash: Hash }),
    Retrieve: z.looseObject({
      entryUUIDs: z.array(z.string()).max(10).optional(),
      logIndexes: z.array(Count).max(10).optional(),
      entries: z.array(ProposedEntry).max(10).optional(),
    }),
    Found: z.array(z.record(z.string().regex(ENTRY_ID), Entry)),
    Search: z.looseObject({
      email: z.string().max(512).optional(),
      subject: z.string().max(512).optional(),
      hash: z.string().optional().describe('with or without `sha1:`, `sha256:`, `sha512:`'),
      publicKey: z.looseObject({ format: z.literal('x509'), content: Base64 }).optional(),
      operator: z.enum(['and', 'or']).optional(),
    }),
    EntryIds: z.array(EntryId),
    Error: OpenApiError,
  },
  operations: [
    {
      method: 'post',
      path: '/api/v1/log/entries',
      about: 'Appends an entry.',
      request: json('ProposedEntry'),
      answers: {
        201: {
          about: 'the entry, promise and proof',
          content: json('Entries'),
          headers: { location: 'where the entry is', etag: 'its identifier' },
        },
        409: {
          about: 'it is in the log already',
          content: json('Error'),
          headers: { location: 'where the entry is' },
        },
        413: { about: 'larger than the limit of the settings', content: json('Error') },
        ...refusals,
      },
    },
    {
      method: 'get',
      path: '/api/v1/log/entries',
      about: 'One entry by its index over all shards.',
      parameters: [{ name: 'logIndex', in: 'query', about: 'index', required: true, type: 'integer' }],
      answers: { 200: one, 404: none, ...refusals },
    },
    {
      method: 'get',
      path: '/api/v1/log/entries/{entryId}',
      about: 'One entry by its identifier, with or without the tree.',
      parameters: [{ name: 'entryId', in: 'path', about: '64 or 80 hexadecimal digits' }],
      answers: { 200: one, 404: none, ...refusals },
    },
    {
      method: 'post',
      path: '/api/v1/log/entries/retrieve',
      about: 'Up to ten entries by index, identifier or content.',
      request: json('Retrieve'),
      answers: { 200: { about: 'those that are there', content: json('Found') }, ...refusals },
    },
    {
      method: 'get',
      path: '/api/v1/log',
      about: 'The shards and their newest checkpoints.',
      answers: {
        200: { about: 'the active shard, and the inactive ones', content: json('Log') },
        ...busy('Error'),
      },
    },
    {
      method: 'get',
      path: '/api/v1/log/proof',
      about: 'A consistency proof between two sizes.',
      parameters: [
        { name: 'firstSize', in: 'query', about: 'older size, 1 if left out', type: 'integer' },
        { name: 'lastSize', in: 'query', about: 'newer size', required: true, type: 'integer' },
        treeId,
      ],
      answers: { 200: { about: 'the proof', content: json('Proof') }, ...refusals },
    },
    {
      method: 'get',
      path: '/api/v1/log/publicKey',
      about: 'The public key of a shard.',
      parameters: [treeId],
      answers: { 200: { about: 'PEM', content: [{ type: 'application/x-pem-file' }] }, ...refusals },
    },
    {
      method: 'post',
      path: '/api/v1/index/retrieve',
      about: 'Identifiers of entries by signer, key or digest.',
      request: json('Search'),
      answers: { 200: { about: 'oldest first', content: json('EntryIds') }, ...refusals },
    },
  ],
};
