/** The time. */
import { SETTINGS, type Flag, type Verb } from '../verb.js';

const DECLARED_TIME: readonly Flag[] = [
  SETTINGS,
  ['--person <email>', 'local account of the person who says so (required)'],
  ['--password-file <file>', 'file that holds the password of that account; asked for when left out'],
  ['--time <time>', 'what the clock shows, RFC 3339; asked for when left out'],
  ['--within <seconds>', 'how far the clock may be off', '10'],
];

export const CLOCK_VERBS: readonly Verb[] = [
  {
    path: ['clock', 'status'],
    summary: 'show whose word the time is: each source, what they agree on, how far it may be off',
    flags: [SETTINGS],
    example: 'airseal clock status --output json',
    run: async () => (await import('../commands/clock.command.js')).showClock,
  },
  {
    path: ['clock', 'records'],
    summary: 'list what was recorded about the clock: which sources stood behind the time when',
    flags: [
      SETTINGS,
      ['--from <time>', 'RFC 3339, inclusive; the record in force then comes first'],
      ['--to <time>', 'RFC 3339, exclusive'],
    ],
    example: 'airseal clock records --from 2026-11-22T08:00:00Z --to 2026-11-22T09:00:00Z --output json',
    run: async () => (await import('../commands/clock.command.js')).listClockRecords,
  },
  {
    path: ['clock', 'declare'],
    summary: 'say what time it is, as the first of two persons; counts as one source once it is confirmed',
    flags: DECLARED_TIME,
    example: 'airseal clock declare --person alice@corp.example --within 5',
    run: async () => (await import('../commands/clock.command.js')).declareTime,
  },
  {
    path: ['clock', 'confirm'],
    summary: 'say what time it is, as the second person, from a clock of your own',
    flags: DECLARED_TIME,
    example: 'airseal clock confirm --person bob@corp.example --within 5',
    run: async () => (await import('../commands/clock.command.js')).confirmTime,
  },
];
