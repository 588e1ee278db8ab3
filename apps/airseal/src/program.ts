/**
 * The tree of verbs, with what each says under `--help`.
 *
 * The table is all that a cold start loads. `run` imports the verb's own file, so that the cost of a verb
 * is paid by those who call it.
 */
import { Command, Option } from 'commander';
import type { GlobalOptions } from './output.js';

/** One flag: commander's own spelling, what it means, and its default. */
type Flag = readonly [spelling: string, meaning: string, fallback?: string];

interface Verb {
  readonly path: readonly string[];
  readonly summary: string;
  readonly operands?: readonly (readonly [spelling: string, meaning: string])[];
  readonly flags?: readonly Flag[];
  readonly example: string;
  readonly run: () => Promise<(operands: string[], flags: Flags) => Promise<void>>;
}

/** What a verb receives: its own flags and the global ones, by camel-case name. */
export type Flags = GlobalOptions & Readonly<Record<string, unknown>>;

const TRUSTED_ROOT: Flag = [
  '--trusted-root <file>',
  'trusted_root.json to verify against (default: the instance at hand)',
];
const SIGNING_CONFIG: Flag = [
  '--signing-config <file>',
  'signing_config.v0.2.json that names the services to use',
];
const IDENTITY_TOKEN: Flag = [
  '--identity-token <file>',
  'file that holds an identity token; else SIGSTORE_ID_TOKEN, else --credentials',
];
const CREDENTIALS: Flag = [
  '--credentials <file>',
  'machine credentials, as written by `airseal identity add`',
];
const BUNDLE: Flag = ['--bundle <file>', 'bundle to write or to read (default: ARTIFACT.sigstore.json)'];
const IDENTITY_FLAGS: readonly Flag[] = [
  ['--certificate-identity <text>', 'the signer, exactly as in the certificate'],
  [
    '--certificate-identity-regexp <pattern>',
    'the signer, as a regular expression that must match the whole identity',
  ],
  ['--certificate-oidc-issuer <url>', 'who vouched for the signer, exactly'],
  [
    '--certificate-oidc-issuer-regexp <pattern>',
    'who vouched for the signer, as a whole-match regular expression',
  ],
];
const SETTINGS: Flag = ['--settings <file>', 'settings of the appliance (default: STATE/airseal.yaml)'];

/** What a search may ask; all of it must hold. */
const SEARCH_FLAGS: readonly Flag[] = [
  TRUSTED_ROOT,
  ['--artifact <file>', 'entries over this file (SHA-256)'],
  ['--digest <digest>', 'entries over this digest: hexadecimal digits, or algorithm:digits'],
  ['--identity <text>', 'a name in the certificate, whole, in any case'],
  ['--issuer <url>', 'who vouched for the signer'],
  ['--key <file>', 'PEM file of a key or certificate, or the SHA-256 of its SubjectPublicKeyInfo in hex'],
  ['--about <file>', 'statements about this file (SHA-256)'],
  ['--subject <digest>', 'statements about this digest'],
  ['--predicate <type>', 'statements of this type: a URI, or a short name as in attest-blob'],
  ['--from <time>', 'logged at this instant or later, RFC 3339 in UTC'],
  ['--to <time>', 'logged before this instant'],
  ['--face <version>', 'only v1 or only v2'],
  ['--tree <name>', 'only this tree, such as rekor-v1/2026-1'],
  ['--limit <count>', 'at most so many', '100'],
  ['--all', 'as many as there are'],
];

const DECLARED_TIME: readonly Flag[] = [
  SETTINGS,
  ['--person <email>', 'local account of the person who says so (required)'],
  ['--password-file <file>', 'file that holds the password of that account; asked for when left out'],
  ['--time <time>', 'what the clock shows, RFC 3339; asked for when left out'],
  ['--within <seconds>', 'how far the clock may be off', '10'],
];

export const VERBS: readonly Verb[] = [
  {
    path: ['sign-blob'],
    summary: 'sign a file: fresh key, ten-minute certificate, log entry, timestamp, one bundle',
    operands: [['<artifact>', 'file to sign']],
    flags: [BUNDLE, SIGNING_CONFIG, TRUSTED_ROOT, IDENTITY_TOKEN, CREDENTIALS],
    example: 'airseal sign-blob --credentials ci.json --bundle app.sigstore.json app.tar',
    run: async () => (await import('./commands/sign-blob.command.js')).signBlob,
  },
  {
    path: ['verify-blob'],
    summary: 'verify a file against its bundle, offline',
    operands: [['<artifact>', 'file that was signed']],
    flags: [BUNDLE, TRUSTED_ROOT, ...IDENTITY_FLAGS],
    example:
      'airseal verify-blob --certificate-identity ci@corp.example --certificate-oidc-issuer https://id.corp.example app.tar',
    run: async () => (await import('./commands/verify-blob.command.js')).verifyBlob,
  },
  {
    path: ['attest-blob'],
    summary: 'sign a statement (predicate) about a file',
    operands: [['<artifact>', 'file that the statement is about']],
    flags: [
      ['--predicate <file>', 'JSON file that holds the predicate'],
      [
        '--type <type>',
        'predicate type: a URI, or slsaprovenance1, spdxjson, cyclonedx, openvex, vuln, custom',
        'custom',
      ],
      BUNDLE,
      SIGNING_CONFIG,
      TRUSTED_ROOT,
      IDENTITY_TOKEN,
      CREDENTIALS,
    ],
    example: 'airseal attest-blob --predicate sbom.json --type cyclonedx --credentials ci.json app.tar',
    run: async () => (await import('./commands/attest-blob.command.js')).attestBlob,
  },
  {
    path: ['verify-blob-attestation'],
    summary: 'verify a statement about a file, offline',
    operands: [['<artifact>', 'file that the statement is about']],
    flags: [
      BUNDLE,
      TRUSTED_ROOT,
      ['--type <type>', 'predicate type that the statement must have'],
      ...IDENTITY_FLAGS,
    ],
    example:
      'airseal verify-blob-attestation --type cyclonedx --certificate-identity ci@corp.example --certificate-oidc-issuer https://id.corp.example app.tar',
    run: async () => (await import('./commands/verify-blob-attestation.command.js')).verifyBlobAttestation,
  },
  {
    path: ['search'],
    summary: 'search both faces of the log: who signed what, and how much of them the answer covers',
    flags: SEARCH_FLAGS,
    example: 'airseal search --identity ci@corp.example --from 2026-11-01T00:00:00Z --output json',
    run: async () => (await import('./commands/search.command.js')).search,
  },
  {
    path: ['statement', 'put'],
    summary: 'deposit a signed statement beside its log entry, so that it is found by its subject',
    operands: [['<file>', 'DSSE envelope, or the bundle that holds it']],
    flags: [TRUSTED_ROOT],
    example: 'airseal statement put app.sigstore.json',
    run: async () => (await import('./commands/statement.command.js')).putStatement,
  },
  {
    path: ['statement', 'get'],
    summary: 'fetch a signed statement, octet for octet, by the digest of what it signs',
    operands: [['<sha256>', 'SHA-256 of its pre-authentication encoding, as a search names it']],
    flags: [TRUSTED_ROOT, ['--file <file>', 'where to write it (default: standard output)']],
    example:
      'airseal statement get 0dd94b7b5a3fd4ffdd4ac3d1d1ebbbcd4de3cf9b3d9c1e4d7b1bb0d0a1a1d2c3 --file envelope.json',
    run: async () => (await import('./commands/statement.command.js')).getStatement,
  },
  {
    path: ['statement', 'list'],
    summary: 'list statements about a file or a digest, and say how many are held',
    flags: SEARCH_FLAGS,
    example: 'airseal statement list --about app.tar --predicate cyclonedx',
    run: async () => (await import('./commands/statement.command.js')).listStatements,
  },
  {
    path: ['trust', 'show'],
    summary: 'show the trusted root: authorities, logs, keys and their windows',
    flags: [TRUSTED_ROOT],
    example: 'airseal trust show --output json',
    run: async () => (await import('./commands/trust.command.js')).showTrust,
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
    run: async () => (await import('./commands/trust.command.js')).fetchTrust,
  },
  {
    path: ['ca', 'show'],
    summary: 'show the certificate authority: chain, keys, windows',
    flags: [TRUSTED_ROOT],
    example: 'airseal ca show',
    run: async () => (await import('./commands/trust.command.js')).showAuthorities,
  },
  {
    path: ['log', 'checkpoint'],
    summary: 'fetch the newest checkpoint of a log and verify its signature',
    flags: [TRUSTED_ROOT, ['--api <version>', 'v1 or v2', 'v1']],
    example: 'airseal log checkpoint --api v2',
    run: async () => (await import('./commands/log.command.js')).showCheckpoint,
  },
  {
    path: ['log', 'entry'],
    summary: 'fetch one entry of the v1 log and verify its proof',
    operands: [['<id>', 'log index, or UUID of 64 or 80 hexadecimal digits']],
    flags: [TRUSTED_ROOT],
    example: 'airseal log entry 42',
    run: async () => (await import('./commands/log.command.js')).showEntry,
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
    run: async () => (await import('./commands/log.command.js')).showProof,
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
    run: async () => (await import('./commands/adopt-head.command.js')).adoptHead,
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
    run: async () => (await import('./commands/fsck.command.js')).checkLogs,
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
    run: async () => (await import('./commands/reindex.command.js')).reindexLogs,
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
    run: async () => (await import('./commands/boundaries.command.js')).listBoundaries,
  },
  {
    path: ['identity', 'add'],
    summary: 'register a machine with the built-in issuer; its secret is written once, to a 0600 file',
    operands: [['<email>', 'identity that its certificates will carry']],
    flags: [SETTINGS, ['--credentials <file>', 'where to write the machine credentials (required)']],
    example: 'airseal identity add builder@corp.example --credentials builder.json',
    run: async () => (await import('./commands/identity.command.js')).addIdentity,
  },
  {
    path: ['identity', 'token'],
    summary: 'fetch an identity token for other clients; valid for minutes, written to a 0600 file',
    flags: [CREDENTIALS, ['--token-file <file>', 'where to write the token (required)']],
    example:
      'airseal identity token --credentials builder.json --token-file token && cosign sign-blob --identity-token token …',
    run: async () => (await import('./commands/identity.command.js')).writeToken,
  },
  {
    path: ['identity', 'add-person'],
    summary: 'make a local account; prints a link with which the person chooses a password, once',
    operands: [['<email>', 'identity that certificates will carry']],
    flags: [SETTINGS],
    example: 'airseal identity add-person alice@corp.example',
    run: async () => (await import('./commands/people.command.js')).addPerson,
  },
  {
    path: ['identity', 'reset-person'],
    summary: 'forget a password, end a lock-out; prints a new link',
    operands: [['<email>', 'identity of the account']],
    flags: [SETTINGS],
    example: 'airseal identity reset-person alice@corp.example',
    run: async () => (await import('./commands/people.command.js')).resetPerson,
  },
  {
    path: ['identity', 'disable-person'],
    summary: 'give a person no more tokens, from now on',
    operands: [['<email>', 'identity of the account']],
    flags: [SETTINGS, ['--undo', 'enable the account again']],
    example: 'airseal identity disable-person alice@corp.example',
    run: async () => (await import('./commands/people.command.js')).disablePerson,
  },
  {
    path: ['identity', 'list'],
    summary: 'list machines and people that the built-in issuer knows',
    flags: [SETTINGS],
    example: 'airseal identity list --output json',
    run: async () => (await import('./commands/people.command.js')).listIdentities,
  },
  {
    path: ['identity', 'remove'],
    summary: 'remove a machine or a person; tokens that are out live for their minutes',
    operands: [['<name>', 'name of the machine, or e-mail address of the person']],
    flags: [SETTINGS, ['--kind <kind>', 'machine or person, where one of each has this name']],
    example: 'airseal identity remove builder@corp.example',
    run: async () => (await import('./commands/people.command.js')).removeIdentity,
  },
  {
    path: ['hsm', 'list'],
    summary: 'list the keys in a token and what their attributes prove',
    flags: [SETTINGS, ['--token <name>', 'token, as named in the settings', 'online']],
    example: 'airseal hsm list --token online',
    run: async () => (await import('./commands/hsm.command.js')).listKeys,
  },
  {
    path: ['hsm', 'doctor'],
    summary: 'examine a token: mechanisms, attributes, encoding, reconnect, PIN margin, speed',
    flags: [SETTINGS, ['--token <name>', 'token, as named in the settings', 'online']],
    example: 'airseal hsm doctor --output json > hsm-report.json',
    run: async () => (await import('./commands/hsm.command.js')).examineToken,
  },
  {
    path: ['hsm', 'uses'],
    summary: 'how often each key was used for each purpose on this host, as its agent counts it durably',
    flags: [SETTINGS, ['--token <name>', 'token, as named in the settings', 'online']],
    example: 'airseal hsm uses --output json',
    run: async () => (await import('./commands/uses.command.js')).listUses,
  },
  {
    path: ['hsm', 'reconcile'],
    summary:
      'compare the uses of every key with the books; exits with an error if something was signed that no book holds',
    flags: [SETTINGS],
    example: 'airseal hsm reconcile --output json > reconciliation.json',
    run: async () => (await import('./commands/uses.command.js')).reconcileUses,
  },
  {
    path: ['hsm', 'bench'],
    summary: 'measure signatures per second of a token',
    flags: [SETTINGS, ['--token <name>', 'token, as named in the settings', 'online']],
    example: 'airseal hsm bench --token online',
    run: async () => (await import('./commands/hsm.command.js')).measureToken,
  },
  {
    path: ['clock', 'status'],
    summary: 'show whose word the time is: each source, what they agree on, how far it may be off',
    flags: [SETTINGS],
    example: 'airseal clock status --output json',
    run: async () => (await import('./commands/clock.command.js')).showClock,
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
    run: async () => (await import('./commands/clock.command.js')).listClockRecords,
  },
  {
    path: ['clock', 'declare'],
    summary: 'say what time it is, as the first of two persons; counts as one source once it is confirmed',
    flags: DECLARED_TIME,
    example: 'airseal clock declare --person alice@corp.example --within 5',
    run: async () => (await import('./commands/clock.command.js')).declareTime,
  },
  {
    path: ['clock', 'confirm'],
    summary: 'say what time it is, as the second person, from a clock of your own',
    flags: DECLARED_TIME,
    example: 'airseal clock confirm --person bob@corp.example --within 5',
    run: async () => (await import('./commands/clock.command.js')).confirmTime,
  },
  {
    path: ['config', 'check'],
    summary: 'prove that settings and instance resolve; print what will be public for ever',
    flags: [SETTINGS],
    example: 'airseal config check --settings /etc/airseal/airseal.yaml',
    run: async () => (await import('./commands/config.command.js')).checkConfig,
  },
  {
    path: ['env'],
    summary: 'print the block that points each client at this instance',
    flags: [['--for <shell>', 'sh, powershell or ci', 'sh']],
    example: 'eval "$(airseal env)"',
    run: async () => (await import('./commands/env.command.js')).printEnvironment,
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
    run: async () => (await import('./commands/genesis.command.js')).holdGenesis,
  },
  {
    path: ['completion'],
    summary: 'print a completion script',
    operands: [['<shell>', 'bash, zsh or fish']],
    example: 'source <(airseal completion bash)',
    run: async () => (await import('./commands/completion.command.js')).printCompletion,
  },
];

const EXIT_CODES = `
Exit codes:
  0 done, or verified          10 no signature in the bundle   12 another signer than asked for
  1 defect; please report      13 no certificate in the bundle
  20 malformed input           21 not verified                 22 refused by a rule
  23 not found                 24 conflict: look again         25 unavailable: retry later
  26 own state contradicts itself`;

const NOUNS: Readonly<Record<string, string>> = {
  trust: 'the trusted root: authorities, logs, keys',
  ca: 'the certificate authority',
  log: 'the transparency logs',
  statement: 'signed statements, kept beside the logs',
  identity: 'machines and people that the built-in issuer knows',
  hsm: 'tokens and their keys',
  clock: 'the time: who vouches for it, and what was recorded',
  config: 'settings of the appliance',
};

/** Builds the whole program; nothing of a verb is loaded until it runs. */
export async function buildProgram(): Promise<Command> {
  const program = new Command('airseal')
    .description('Airseal: sign, verify, and keep a Sigstore for networks with no way out.')
    .addOption(new Option('-o, --output <format>', 'what to print').choices(['text', 'json']).default('text'))
    .option('--state <dir>', 'state directory of a local instance (default: AIRSEAL_STATE, else .airseal)')
    .option('--ca-file <file>', 'further TLS authorities, PEM (default: the local instance’s own)')
    .showHelpAfterError('(try --help)')
    .addHelpText('after', EXIT_CODES);
  // A usage error is malformed input: 20, where commander would say 1.
  program.exitOverride((error) => {
    process.exit(error.exitCode === 0 ? 0 : 20);
  });

  const nouns = new Map<string, Command>();
  for (const verb of VERBS) {
    const [first = '', second] = verb.path;
    let parent = program;
    if (second !== undefined) {
      parent = nouns.get(first) ?? program.command(first).description(NOUNS[first] ?? first);
      nouns.set(first, parent);
    }
    const command = parent.command(second ?? first).description(verb.summary);
    for (const [spelling, meaning] of verb.operands ?? []) command.argument(spelling, meaning);
    for (const [spelling, meaning, fallback] of verb.flags ?? []) command.option(spelling, meaning, fallback);
    command.addHelpText('after', `\nExample:\n  ${verb.example}`);
    command.action(async () => {
      const run = await verb.run();
      await run(command.args, command.optsWithGlobals());
    });
  }
  return program;
}
