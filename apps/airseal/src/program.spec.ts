import { describe, expect, test } from '@jest/globals';
import { buildProgram, VERBS } from './program.js';

const named = VERBS.map((verb) => [verb.path.join(' '), verb] as const);

describe('every verb', () => {
  test.each(named)('%s says under --help what it takes, and gives an example', async (name, verb) => {
    const program = await buildProgram();
    const command = verb.path.reduce(
      (parent, word) => parent.commands.find((each) => each.name() === word) ?? parent,
      program,
    );
    let help = '';
    command.configureOutput({ writeOut: (text) => (help += text) });
    command.outputHelp();
    expect(help).toContain(verb.summary.slice(0, 30));
    expect(help.replaceAll(/\s+/g, ' ')).toContain(`Example: ${verb.example}`.replaceAll(/\s+/g, ' '));
    expect(verb.example).toContain(`airseal ${name}`);
  });

  test.each(named)('%s takes no secret on the command line, only files that hold one', (_name, verb) => {
    const secrets = (verb.flags ?? []).filter(([spelling]) =>
      /token|credential|secret|pin\b|password/i.test(spelling),
    );
    const inFiles = secrets.filter(
      ([spelling, meaning]) => spelling.endsWith('<file>') || meaning.startsWith('token, as named'),
    );
    expect(inFiles).toEqual(secrets);
  });
});
