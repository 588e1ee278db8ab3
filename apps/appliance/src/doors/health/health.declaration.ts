import { z } from 'zod';
import { type DoorDeclaration, json } from '../../openapi/declaration.js';

const Said = {
  mode: z.enum(['production', 'rehearsal', 'evaluation']),
  time: z
    .enum(['standalone', 'agreed', 'holdover', 'untrusted'])
    .describe(
      'whose word the time is: the clock of the machine alone, sources that agree or lately did, nobody',
    ),
  warning: z.string().startsWith('DO NOT TRUST').optional(),
};

export const healthDeclaration: DoorDeclaration = {
  name: 'health',
  title: 'Health',
  about: 'For orchestrators and people; never refused under pressure.',
  schemas: {
    Live: z.strictObject({ status: z.enum(['ok', 'SERVING']), ...Said }),
    Ready: z.strictObject({
      status: z.enum(['ok', 'unavailable']),
      dependencies: z.record(
        z.string(),
        z.strictObject({
          status: z.enum(['ok', 'failed']),
          reason: z.string().optional(),
          facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
        }),
      ),
      ...Said,
    }),
  },
  operations: [
    {
      method: 'get',
      path: '/livez',
      about: 'The process answers.',
      answers: { 200: { about: 'it does', content: json('Live') } },
    },
    {
      method: 'get',
      path: '/readyz',
      about: 'Each dependency by name.',
      answers: {
        200: { about: 'it can do its work', content: json('Ready') },
        503: {
          about: 'it cannot, and why',
          content: json('Ready'),
          headers: { 'retry-after': 'seconds after which to look again' },
        },
      },
    },
    {
      method: 'get',
      path: '/healthz',
      about: 'As the upstream certificate authority calls it.',
      answers: { 200: { about: 'serving', content: json('Live') } },
    },
    {
      method: 'get',
      path: '/ping',
      about: 'As the upstream log calls it.',
      answers: {
        200: {
          about: 'a dot',
          content: [{ type: 'text/plain' }],
          headers: { 'airseal-time': 'as `time` in the other answers' },
        },
      },
    },
  ],
};
