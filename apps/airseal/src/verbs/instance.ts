/** The installation as a whole, and this command line. */
import { SETTINGS, type Verb } from '../verb.js';

export const INSTANCE_VERBS: readonly Verb[] = [
  {
    path: ['config', 'check'],
    summary: 'prove that settings and instance resolve; print what will be public for ever',
    flags: [SETTINGS],
    example: 'airseal config check --settings /etc/airseal/airseal.yaml',
    run: async () => (await import('../commands/config.command.js')).checkConfig,
  },
  {
    path: ['env'],
    summary: 'print the block that points each client at this instance',
    flags: [['--for <shell>', 'sh, powershell or ci', 'sh']],
    example: 'eval "$(airseal env)"',
    run: async () => (await import('../commands/env.command.js')).printEnvironment,
  },
  {
    path: ['genesis'],
    summary: 'hold the genesis ceremony: make the keys and the first trust root',
    flags: [
      SETTINGS,
      ['--bindings <file>', 'which token is which (default: STATE/ceremony-bindings.yaml)'],
      ['--script <file>', 'ceremony script (default: ceremony/genesis.yaml)'],
    ],
    example: 'airseal genesis --settings airseal.yaml --bindings ceremony-bindings.yaml',
    run: async () => (await import('../commands/genesis.command.js')).holdGenesis,
  },
  {
    path: ['completion'],
    summary: 'print a completion script',
    operands: [['<shell>', 'bash, zsh or fish']],
    example: 'source <(airseal completion bash)',
    run: async () => (await import('../commands/completion.command.js')).printCompletion,
  },
];
