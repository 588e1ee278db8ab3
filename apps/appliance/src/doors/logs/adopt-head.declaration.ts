import { z } from 'zod';
import { Base64, json, type Operation } from '../../openapi/declaration.js';

export const ADOPT_PATH = '/admin/v1/logs/adopt';

export const HeadToAdopt = z.strictObject({
  size: z.string().regex(/^(?:0|[1-9]\d{0,18})$/),
  root: Base64.length(44),
});

export const adoptHeadSchemas = {
  HeadToAdopt,
  AdoptedHead: z.strictObject({ log: z.string(), size: z.string() }),
};

const refused = { about: 'problem details', content: [{ type: 'application/problem+json', schema: 'Problem' }] };

export const adoptHeadOperations: readonly Operation[] = [
  {
    method: 'post',
    path: ADOPT_PATH,
    about:
      'Lets this host sign for a log that it has never signed for: an operator has read the head from a checkpoint of another replica, or from paper.',
    request: json('HeadToAdopt'),
    answers: {
      200: { about: 'the log that waited for it', content: json('AdoptedHead') },
      400: refused,
      409: refused,
      503: refused,
    },
  },
];
