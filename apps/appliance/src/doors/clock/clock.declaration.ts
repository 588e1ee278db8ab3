import { z } from 'zod';
import { json, type Operation } from '../../openapi/declaration.js';

export const CLOCK_PATH = '/admin/v1/clock';

/** A person's word about the time. The password is why this is on a socket and nowhere else. */
export const DeclaredTime = z.strictObject({
  email: z.string().describe('account of the person'),
  password: z.string().describe('of that account'),
  time: z.iso.datetime({ offset: true }).describe('what the person’s clock shows now'),
  withinSeconds: z.number().min(0.1).max(3600).describe('how far it may be off'),
});

export const PageOfRecords = z.strictObject({
  from: z.iso.datetime({ offset: true }).optional(),
  to: z.iso.datetime({ offset: true }).optional(),
  after: z
    .string()
    .regex(/^\d{1,19}$/)
    .optional(),
});

const Source = z.strictObject({
  name: z.string(),
  kind: z.enum(['ntp', 'chrony', 'ptp', 'declared']),
  status: z.enum(['agrees', 'contradicts', 'alone', 'lost']),
  offsetMs: z.number().optional().describe('what it says, less the clock of the machine'),
  errorMs: z.number().optional().describe('its own bound, drift included'),
  ageSeconds: z.number().optional(),
  reason: z.string().optional(),
  facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
});

const Clock = z.strictObject({
  standing: z.enum(['standalone', 'agreed', 'holdover', 'untrusted']),
  trusted: z.boolean(),
  code: z.string().optional().describe('why not'),
  reason: z.string().optional(),
  offsetMs: z.number().optional().describe('agreed time less the clock of the machine'),
  errorMs: z.number().optional().describe('how far the agreed time may be off'),
  holdoverSeconds: z.number(),
  jumpMs: z.number().describe('how far the clock has departed from steady time'),
  machine: z.string().describe('what the clock of the machine reads'),
  believed: z.string().describe('what entries are dated with'),
  floor: z.string().optional().describe('no time before this is signed'),
  sources: z.array(Source),
});

export const clockSchemas = {
  DeclaredTime,
  Clock,
  ClockRecords: z.strictObject({
    records: z.array(
      z.strictObject({
        id: z.string(),
        node: z.string(),
        believed: z.string(),
        machine: z.string(),
        database: z.string().describe('what the clock of the database read'),
        what: z.string().describe('start, summary, or what changed'),
        standing: z.string(),
        report: z.record(z.string(), z.unknown()),
      }),
    ),
    more: z.boolean(),
  }),
};

const refused = {
  about: 'problem details',
  content: [{ type: 'application/problem+json', schema: 'Problem' }],
};
const standing = { about: 'how the time stands', content: json('Clock') };

export const clockOperations: readonly Operation[] = [
  {
    method: 'get',
    path: CLOCK_PATH,
    about: 'How the time stands, and what each source says.',
    answers: { 200: standing },
  },
  {
    method: 'get',
    path: `${CLOCK_PATH}/records`,
    about: 'Records about the clock, oldest first, with the last one of each node before them.',
    parameters: [
      { name: 'from', in: 'query', about: 'believed time, inclusive' },
      { name: 'to', in: 'query', about: 'believed time, exclusive' },
      { name: 'after', in: 'query', about: 'id of the last record of the page before' },
    ],
    answers: { 200: { about: 'a page of them', content: json('ClockRecords') }, 400: refused },
  },
  {
    method: 'post',
    path: `${CLOCK_PATH}/declare`,
    about: 'One person says what time it is.',
    request: json('DeclaredTime'),
    answers: { 200: standing, 400: refused, 403: refused, 503: refused },
  },
  {
    method: 'post',
    path: `${CLOCK_PATH}/confirm`,
    about: 'Another person says what time it is; where the two meet, they are one source.',
    request: json('DeclaredTime'),
    answers: { 200: standing, 400: refused, 403: refused, 409: refused, 503: refused },
  },
];
