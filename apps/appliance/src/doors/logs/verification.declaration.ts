import { z } from 'zod';
import { Digits, json, type Operation } from '../../openapi/declaration.js';

export const VERIFICATION_PATH = '/admin/v1/logs/verification';

const Instant = z.iso.datetime();

export const verificationSchemas = {
  Verification: z.strictObject({
    enabled: z.boolean(),
    trees: z.array(
      z.strictObject({
        tree: z.string(),
        /** Whether a pass is under way. */
        running: z.boolean(),
        /** Leaves that this pass, or else the last one, has been over. */
        verified: Digits,
        /** Where the pass ends. */
        until: Digits,
        started: Instant.nullable(),
        fullPasses: Digits,
        /** The last pass from the first leaf to the end. */
        full: z.strictObject({ size: Digits, started: Instant, ended: Instant }).nullable(),
        faults: z.array(
          z.strictObject({
            place: z.string(),
            what: z.string(),
            expected: z.string(),
            found: z.string(),
            /** Whether it stops the log. */
            stops: z.boolean(),
            since: Instant,
          }),
        ),
      }),
    ),
  }),
};

export const verificationOperations: readonly Operation[] = [
  {
    method: 'get',
    path: VERIFICATION_PATH,
    about: 'How much of each tree the slow check has covered since when, and what it found.',
    answers: { 200: { about: 'every tree', content: json('Verification') } },
  },
];
