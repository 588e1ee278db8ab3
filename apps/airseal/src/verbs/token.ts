/** Tokens and their keys. */
import { SETTINGS, type Verb } from '../verb.js';

export const TOKEN_VERBS: readonly Verb[] = [
  {
    path: ['hsm', 'list'],
    summary: 'list the keys in a token and what their attributes prove',
    flags: [SETTINGS, ['--token <name>', 'token, as named in the settings', 'online']],
    example: 'airseal hsm list --token online',
    run: async () => (await import('../commands/hsm.command.js')).listKeys,
  },
  {
    path: ['hsm', 'doctor'],
    summary: 'examine a token: mechanisms, attributes, encoding, reconnect, PIN margin, speed',
    flags: [SETTINGS, ['--token <name>', 'token, as named in the settings', 'online']],
    example: 'airseal hsm doctor --output json > hsm-report.json',
    run: async () => (await import('../commands/hsm.command.js')).examineToken,
  },
  {
    path: ['hsm', 'uses'],
    summary: 'how often each key was used for each purpose on this host, as its agent counts it durably',
    flags: [SETTINGS, ['--token <name>', 'token, as named in the settings', 'online']],
    example: 'airseal hsm uses --output json',
    run: async () => (await import('../commands/uses.command.js')).listUses,
  },
  {
    path: ['hsm', 'reconcile'],
    summary:
      'compare the uses of every key with the books; exits with an error if something was signed that no book holds',
    flags: [SETTINGS],
    example: 'airseal hsm reconcile --output json > reconciliation.json',
    run: async () => (await import('../commands/uses.command.js')).reconcileUses,
  },
  {
    path: ['hsm', 'bench'],
    summary: 'measure signatures per second of a token',
    flags: [SETTINGS, ['--token <name>', 'token, as named in the settings', 'online']],
    example: 'airseal hsm bench --token online',
    run: async () => (await import('../commands/hsm.command.js')).measureToken,
  },
];
