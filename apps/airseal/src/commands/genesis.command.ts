/**
 * `airseal genesis`: holds the genesis ceremony.
 *
 * The tokens of the root and of the officers are opened here and nowhere else; their PINs are named by the
 * bindings, which the appliance never reads. An interrupted ceremony is taken up where it stopped: run the
 * same command again.
 */
import { resolve } from 'node:path';
import { runCeremony, parseBindings } from '#ceremony';
import { Hsm, journalDirectory } from '#hsm';
import { parseInstance } from '#instance';
import { loadSettings, systemClock } from '#platform';
import { print, progress } from '../output.js';
import { flag, readText, settingsPath, stateDirectory } from '../places.js';
import type { Flags } from '../verb.js';

/** The script that ships with the product. */
const GENESIS = resolve(import.meta.dirname, '..', '..', '..', '..', '..', 'ceremony', 'genesis.yaml');

export async function holdGenesis(_operands: string[], flags: Flags): Promise<void> {
  const settings = loadSettings(settingsPath(flags));
  const bindingsPath = flag(flags, 'bindings') ?? resolve(stateDirectory(flags), 'ceremony-bindings.yaml');
  const bindings = parseBindings(readText(bindingsPath, 'ceremony bindings'));
  const hsm = await Hsm.open({
    tokens: bindings.tokens,
    runtimeDir: settings.runtimeDir,
    journalDir: journalDirectory(settings),
    mode: settings.mode,
  });
  try {
    const outcome = await runCeremony({
      script: readText(flag(flags, 'script') ?? GENESIS, 'ceremony script'),
      instance: parseInstance(readText(settings.instance, 'instance file')),
      bindings,
      hsm,
      stateDir: settings.stateDir,
      clock: systemClock,
      progress: ({ at, of, state, say }) => {
        if (state !== 'begins')
          progress(`  [${at}/${of}] ${say}${state === 'known' ? ' (done before)' : ''}`);
      },
    });
    print(flags, { ...outcome }, [
      outcome.status === 'closed-before' ? 'genesis was held before; nothing was done' : 'genesis is held',
      `run ${outcome.runId}${outcome.resumed ? ' (taken up after an interruption)' : ''}`,
      `plan ${outcome.planHash}`,
      `transcript head ${outcome.transcriptHead}, in ${outcome.directory}`,
    ]);
  } finally {
    await hsm.close();
  }
}
