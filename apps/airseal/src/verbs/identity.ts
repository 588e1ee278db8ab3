/** Who the built-in issuer knows. */
import { CREDENTIALS, SETTINGS, type Verb } from '../verb.js';

export const IDENTITY_VERBS: readonly Verb[] = [
  {
    path: ['identity', 'add'],
    summary: 'register a machine with the built-in issuer; its secret is written once, to a 0600 file',
    operands: [['<email>', 'identity that its certificates will carry']],
    flags: [SETTINGS, ['--credentials <file>', 'where to write the machine credentials (required)']],
    example: 'airseal identity add builder@corp.example --credentials builder.json',
    run: async () => (await import('../commands/identity.command.js')).addIdentity,
  },
  {
    path: ['identity', 'token'],
    summary: 'fetch an identity token for other clients; valid for minutes, written to a 0600 file',
    flags: [CREDENTIALS, ['--token-file <file>', 'where to write the token (required)']],
    example:
      'airseal identity token --credentials builder.json --token-file token && cosign sign-blob --identity-token token …',
    run: async () => (await import('../commands/identity.command.js')).writeToken,
  },
  {
    path: ['identity', 'add-person'],
    summary: 'make a local account; prints a link with which the person chooses a password, once',
    operands: [['<email>', 'identity that certificates will carry']],
    flags: [SETTINGS],
    example: 'airseal identity add-person alice@corp.example',
    run: async () => (await import('../commands/people.command.js')).addPerson,
  },
  {
    path: ['identity', 'reset-person'],
    summary: 'forget a password, end a lock-out; prints a new link',
    operands: [['<email>', 'identity of the account']],
    flags: [SETTINGS],
    example: 'airseal identity reset-person alice@corp.example',
    run: async () => (await import('../commands/people.command.js')).resetPerson,
  },
  {
    path: ['identity', 'disable-person'],
    summary: 'give a person no more tokens, from now on',
    operands: [['<email>', 'identity of the account']],
    flags: [SETTINGS, ['--undo', 'enable the account again']],
    example: 'airseal identity disable-person alice@corp.example',
    run: async () => (await import('../commands/people.command.js')).disablePerson,
  },
  {
    path: ['identity', 'list'],
    summary: 'list machines and people that the built-in issuer knows',
    flags: [SETTINGS],
    example: 'airseal identity list --output json',
    run: async () => (await import('../commands/people.command.js')).listIdentities,
  },
  {
    path: ['identity', 'remove'],
    summary: 'remove a machine or a person; tokens that are out live for their minutes',
    operands: [['<name>', 'name of the machine, or e-mail address of the person']],
    flags: [SETTINGS, ['--kind <kind>', 'machine or person, where one of each has this name']],
    example: 'airseal identity remove builder@corp.example',
    run: async () => (await import('../commands/people.command.js')).removeIdentity,
  },
];
