/** What clients trust. */
import { TRUSTED_ROOT, type Verb } from '../verb.js';

export const TRUST_VERBS: readonly Verb[] = [
  {
    path: ['trust', 'show'],
    summary: 'show the trusted root: authorities, logs, keys and their windows',
    flags: [TRUSTED_ROOT],
    example: 'airseal trust show --output json',
    run: async () => (await import('../commands/trust.command.js')).showTrust,
  },
  {
    path: ['trust', 'fetch'],
    summary: 'fetch the trusted root and signing config from a TUF repository',
    flags: [
      ['--mirror <url>', 'TUF repository'],
      ['--root <file>', 'root.json, handed over out of band'],
      ['--root-checksum <hex>', 'SHA-256 that root.json must have, read from the bootstrap card'],
    ],
    example: 'airseal trust fetch --mirror https://tuf.corp.example --root root.json --root-checksum 4f0c…',
    run: async () => (await import('../commands/trust.command.js')).fetchTrust,
  },
  {
    path: ['ca', 'show'],
    summary: 'show the certificate authority: chain, keys, windows',
    flags: [TRUSTED_ROOT],
    example: 'airseal ca show',
    run: async () => (await import('../commands/trust.command.js')).showAuthorities,
  },
];
