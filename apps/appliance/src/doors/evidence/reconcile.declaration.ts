import { z } from 'zod';
import { json, type Operation } from '../../openapi/declaration.js';

export const RECONCILE_PATH = '/admin/v1/hsm/reconcile';

const Figure = z.string().regex(/^(?:0|[1-9]\d{0,18})$/);
const Instant = z.iso.datetime();

export const reconcileSchemas = {
  Reconciliation: z.strictObject({
    at: Instant,
    findings: z.int(),
    uses: z.array(
      z.strictObject({
        keys: z.array(z.string().regex(/^[0-9a-f]{64}$/)),
        labels: z.array(z.string()),
        purpose: z.string(),
        book: z.string(),
        relation: z.enum(['each', 'intents', 'repeats', 'none']),
        atLeast: Figure,
        atMost: Figure,
        booked: Figure.nullable(),
        residual: z.string().regex(/^(?:0|-?[1-9]\d{0,18})$/),
        verdict: z.enum(['agrees', 'explained', 'finding', 'not booked']),
        because: z.string(),
      }),
    ),
    breaks: z.array(z.strictObject({ counter: z.string(), at: Instant, reason: z.string() })),
  }),
};

const refused = {
  about: 'problem details',
  content: [{ type: 'application/problem+json', schema: 'Problem' }],
};

export const reconcileOperations: readonly Operation[] = [
  {
    method: 'post',
    path: RECONCILE_PATH,
    about:
      'Compares the durable counts of key uses with the books: issuance records, leaves, promises, checkpoints, versions. What does not agree is recorded in the audit trail.',
    answers: {
      200: { about: 'one row for each key and purpose', content: json('Reconciliation') },
      503: refused,
    },
  },
];
