import { z } from 'zod';
import { Base64, busy, Digits, type DoorDeclaration, json, Problem } from '../../openapi/declaration.js';

const Instant = z.iso.datetime();

export const boundariesDeclaration: DoorDeclaration = {
  name: 'boundaries',
  title: 'Boundary checkpoints',
  about:
    'Every tree of this installation has a checkpoint for each full hour UTC, timestamped, whether it grew or not. They bound what was in a tree when.',
  schemas: {
    Boundaries: z.strictObject({
      boundaries: z.array(
        z.strictObject({
          tree: z.string(),
          origin: z.string(),
          /** The hour it was made for; the timestamp says when it was made. */
          due: Instant,
          kinds: z.array(z.enum(['hour', 'day', 'month'])),
          made: Instant,
          size: Digits,
          rootHash: Base64,
          /** As the tree's own face spells it; the timestamp is over these octets. */
          checkpoint: z.string(),
          /** TimeStampResp, DER. */
          timestamp: Base64,
          /** Entry of the v1 log that holds the head of the audit trail. */
          anchor: z.strictObject({ logIndex: Digits, entryId: z.string() }).optional(),
        }),
      ),
      gaps: z.array(
        z.strictObject({
          tree: z.string(),
          first: Instant,
          last: Instant,
          reason: z.string(),
          closedBy: Instant,
        }),
      ),
      /** Whether there are more after the last one: ask again from its hour on. */
      more: z.boolean(),
    }),
    Problem,
  },
  operations: [
    {
      method: 'get',
      path: '/airseal/v1/boundaries',
      about: 'Boundary checkpoints and the hours that have none, oldest first.',
      parameters: [
        { name: 'tree', in: 'query', about: 'only this tree, such as `rekor-v1/2026-1` or `audit/1`' },
        { name: 'from', in: 'query', about: 'first hour, RFC 3339 in UTC, inclusive' },
        { name: 'to', in: 'query', about: 'last hour, exclusive' },
        { name: 'limit', in: 'query', about: 'at most so many, 1 to 1000', type: 'integer' },
      ],
      answers: {
        200: { about: 'boundaries and gaps', content: json('Boundaries') },
        400: {
          about: 'a parameter that cannot be read',
          content: [{ type: 'application/problem+json', schema: 'Problem' }],
        },
        ...busy('Problem'),
      },
    },
  ],
};
