import { z } from 'zod';
import { busy, Digits, type DoorDeclaration, Hash, json, Problem } from '../../openapi/declaration.js';

const Instant = z.iso.datetime();
const Face = z.enum(['v1', 'v2']);
const TimeSource = z.enum(['integratedTime', 'appliance']);
const Bound = z.strictObject({ due: Instant, size: Digits });

export const searchDeclaration: DoorDeclaration = {
  name: 'search',
  title: 'Search',
  about:
    'Who signed what, in both faces of the log. Every answer states, for each tree, how many leaves it covers and the checkpoint over them; search keys are written in the same transaction as their leaf, so that range is covered whole. Answers by subject also state how many statements are held.',
  schemas: {
    Found: z.strictObject({
      trees: z.array(
        z.strictObject({
          face: Face,
          tree: z.string(),
          logId: z.string(),
          url: z.string(),
          /** The answer covers leaves 0 up to but not including this one. */
          size: Digits,
          /** Signed, over exactly `size` leaves; none while the tree is empty. */
          checkpoint: z.string().optional(),
          /** Leaves that were stamped in the time asked for. */
          window: z.strictObject({ first: Digits, end: Digits }),
          /** v1: what the log promises. v2: the appliance's clock, which nothing signs; see the boundaries. */
          timeSource: TimeSource,
          /** Timestamped checkpoints at the full hours around the time asked for, where there are any. */
          boundaryBefore: Bound.optional(),
          boundaryAfter: Bound.optional(),
          /** Of answers by subject or predicate. */
          coverage: z
            .strictObject({
              entries: Digits,
              /** Known to be made of an envelope. */
              envelopes: Digits,
              /** Whose envelope is kept: what this answer can know. */
              held: Digits,
              /** Envelopes that are not kept. */
              missing: Digits,
              /** Of which nobody can say: entries of a digest, which may be that of an envelope. */
              unknown: Digits,
            })
            .optional(),
        }),
      ),
      hits: z.array(
        z.strictObject({
          face: Face,
          tree: z.string(),
          /** Within the tree. */
          index: Digits,
          /** As clients of this face know it. */
          logIndex: Digits,
          /** Hash of the leaf. */
          uuid: Hash,
          entryId: z
            .string()
            .regex(/^[0-9a-f]{80}$/)
            .optional(),
          kind: z.string(),
          time: Instant,
          timeSource: TimeSource,
          digests: z.array(z.string()),
          signers: z.array(
            z.strictObject({
              identities: z.array(z.string()),
              issuer: z.string().optional(),
              /** SHA-256 of the SubjectPublicKeyInfo. */
              key: Hash,
              certificate: z
                .strictObject({ serial: z.string(), notBefore: Instant, notAfter: Instant })
                .optional(),
            }),
          ),
          envelope: z.enum(['yes', 'unknown']),
          statement: z
            .strictObject({ sha256: Hash, octets: z.int(), deposited: Instant.optional() })
            .optional(),
          links: z.strictObject({ entry: z.string(), statement: z.string().optional() }),
        }),
      ),
      /** Pass it as `cursor` to go on within the same range; all was found without it. */
      next: z.string().optional(),
    }),
    Problem,
  },
  operations: [
    {
      method: 'get',
      path: '/airseal/v1/search',
      about:
        'Entries of which everything that is asked holds, v1 before v2, oldest first. A page may be empty and still name a `next`.',
      parameters: [
        {
          name: 'digest',
          in: 'query',
          about: '`sha256:…`, or hexadecimal digits: a digest that the entry carries',
        },
        { name: 'identity', in: 'query', about: 'a name in the certificate, whole, without regard to case' },
        { name: 'issuer', in: 'query', about: 'who vouched for the identity, without regard to case' },
        {
          name: 'key',
          in: 'query',
          about: 'SHA-256 of the SubjectPublicKeyInfo in hex, that itself in base64, or PEM',
        },
        { name: 'subject', in: 'query', about: 'digest of a subject of the statement' },
        { name: 'predicate', in: 'query', about: 'predicate type of the statement, without regard to case' },
        { name: 'from', in: 'query', about: 'stamped at this instant or later, RFC 3339 in UTC' },
        { name: 'to', in: 'query', about: 'stamped before this instant' },
        { name: 'face', in: 'query', about: '`v1` or `v2`' },
        { name: 'tree', in: 'query', about: 'only this tree, such as `rekor-v1/2026-1`' },
        { name: 'limit', in: 'query', about: 'at most so many, 1 to 1000', type: 'integer' },
        { name: 'cursor', in: 'query', about: '`next` of the page before' },
      ],
      answers: {
        200: { about: 'what was found, and the range it covers', content: json('Found') },
        400: {
          about: 'a parameter that cannot be read',
          content: [{ type: 'application/problem+json', schema: 'Problem' }],
        },
        ...busy('Problem'),
      },
    },
  ],
};
