/** The logs: what they say, and whether it holds. */
import { SETTINGS, TRUSTED_ROOT, type Verb } from '../verb.js';

export const LOG_VERBS: readonly Verb[] = [
  {
    path: ['log', 'checkpoint'],
    summary: 'fetch the newest checkpoint of a log and verify its signature',
    flags: [TRUSTED_ROOT, ['--api <version>', 'v1 or v2', 'v1']],
    example: 'airseal log checkpoint --api v2',
    run: async () => (await import('../commands/log.command.js')).showCheckpoint,
  },
  {
    path: ['log', 'entry'],
    summary: 'fetch one entry of the v1 log and verify its proof',
    operands: [['<id>', 'log index, or UUID of 64 or 80 hexadecimal digits']],
    flags: [TRUSTED_ROOT],
    example: 'airseal log entry 42',
    run: async () => (await import('../commands/log.command.js')).showEntry,
  },
  {
    path: ['log', 'proof'],
    summary: 'fetch and verify a consistency proof between two sizes of the v1 log',
    operands: [
      ['<first>', 'older tree size'],
      ['<second>', 'newer tree size'],
    ],
    flags: [TRUSTED_ROOT],
    example: 'airseal log proof 100 2000',
    run: async () => (await import('../commands/log.command.js')).showProof,
  },
  {
    path: ['log', 'adopt'],
    summary: 'let this host sign for a log that it has never signed for, from a head that you vouch for',
    operands: [
      ['<size>', 'tree size of a checkpoint of another replica, or on paper'],
      ['<root>', 'its root hash, base64'],
    ],
    flags: [SETTINGS],
    example: 'airseal log adopt 2000 n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=',
    run: async () => (await import('../commands/adopt-head.command.js')).adoptHead,
  },
  {
    path: ['log', 'fsck'],
    summary:
      'derive every tree again, from its bodies to its signed heads; name the exact place of each fault',
    flags: [
      SETTINGS,
      ['--tree <name>', 'only this tree, such as rekor-v1/2026-1 or audit/1'],
      ['--from <index>', 'begin at this leaf and believe the tiles before it; needs --tree'],
      ['--resume', 'go on where an interrupted check stopped'],
      ['--status', 'only ask the appliance how far its own slow check has come, and what it found'],
      ['--jobs <count>', 'threads that hash, each on a connection of its own (default: one per core)'],
    ],
    example: 'airseal log fsck --output json',
    run: async () => (await import('../commands/fsck.command.js')).checkLogs,
  },
  {
    path: ['log', 'reindex'],
    summary: 'derive the search index again from the trees, and compare it or mend it',
    flags: [
      SETTINGS,
      ['--check', 'compare, and name every row that is missing or too much'],
      ['--rebuild', 'mend what differs as the owner of the tables, then compare again'],
      ['--tree <name>', 'only this tree, such as rekor-v1/2026-1'],
      ['--resume', 'go on where an interrupted run stopped'],
    ],
    example: 'airseal log reindex --check --output json',
    run: async () => (await import('../commands/reindex.command.js')).reindexLogs,
  },
  {
    path: ['log', 'boundaries'],
    summary:
      'list the hourly boundary checkpoints of every tree, their tokens verified, and the hours without one',
    flags: [
      TRUSTED_ROOT,
      ['--tree <name>', 'only this tree, such as rekor-v1/2026-1 or audit/1'],
      ['--from <time>', 'first hour, RFC 3339 in UTC, inclusive'],
      ['--to <time>', 'last hour, exclusive'],
    ],
    example: 'airseal log boundaries --tree audit/1 --from 2026-11-01T00:00:00Z --output json',
    run: async () => (await import('../commands/boundaries.command.js')).listBoundaries,
  },
];
