/**
 * The tree of verbs, with what each says under `--help`.
 *
 * The table is all that a cold start loads. `run` imports the verb's own file, so that the cost of a verb
 * is paid by those who call it.
 */
import { Command, Option } from 'commander';
import { CLOCK_VERBS } from './verbs/clock.js';
import { IDENTITY_VERBS } from './verbs/identity.js';
import { INSTANCE_VERBS } from './verbs/instance.js';
import { LOG_VERBS } from './verbs/log.js';
import { SIGNING_VERBS } from './verbs/signing.js';
import { TOKEN_VERBS } from './verbs/token.js';
import { TRUST_VERBS } from './verbs/trust.js';
import type { Verb } from './verb.js';

export const VERBS: readonly Verb[] = [
  ...SIGNING_VERBS,
  ...TRUST_VERBS,
  ...LOG_VERBS,
  ...IDENTITY_VERBS,
  ...TOKEN_VERBS,
  ...CLOCK_VERBS,
  ...INSTANCE_VERBS,
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
