/**
 * SoftHSM tokens, each in a directory and under a configuration of its own.
 *
 * SoftHSM shows every token of the directory it is configured with. Root and officers' tokens therefore do not
 * share one with the online token: a process with the online configuration cannot even list them.
 */
import { existsSync, readFileSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { Halt, run } from './command.mjs';
import { ensureDirectory, ensurePin, removeTree, writeIfDifferent, writeWhole } from './files.mjs';
import { inRepository, pinnedNode } from './paths.mjs';
import { programEnvironment, softhsmModule, unpackedLibraries } from './programs.mjs';

/** @typedef {{module: string, uri: string, pinSource: string, environment: Record<string, string>}} TokenSettings */

/**
 * Makes a token, unless it is there.
 *
 * It is initialised in a directory beside its place and moved in whole, so that a half-made token is never
 * taken for a token.
 *
 * @param {object} token
 * @param {string} token.directory of this token alone
 * @param {string} token.label
 * @param {string} token.pin file with the user PIN; made if absent
 * @param {string} token.soPin file with the security officer's PIN; made if absent
 * @returns {Promise<{settings: TokenSettings, made: boolean}>}
 */
export async function ensureToken(token) {
  const module = softhsmModule();
  if (module === undefined) throw new Halt('SoftHSM is not installed', 'npm run up');
  ensureDirectory(token.directory, 0o700);
  const objects = join(token.directory, 'objects');
  const configuration = join(token.directory, 'softhsm2.conf');
  writeIfDifferent(configuration, configurationFor(objects), 0o600);
  ensurePin(token.pin);
  ensurePin(token.soPin);

  const made = !existsSync(objects) || readdirSync(objects).length === 0;
  if (made) {
    const partial = join(token.directory, 'objects.partial');
    removeTree(partial);
    ensureDirectory(partial, 0o700);
    const firstConfiguration = join(token.directory, 'initialise.conf');
    writeWhole(firstConfiguration, configurationFor(partial), 0o600);
    await run(pinnedNode, [inRepository('softhsm', 'initialise-token.mjs'), module, token.label, token.soPin, token.pin], {
      env: programEnvironment({ ...process.env, SOFTHSM2_CONF: firstConfiguration }),
    });
    removeTree(firstConfiguration);
    removeTree(objects);
    renameSync(partial, objects);
  }
  return {
    made,
    settings: {
      module,
      uri: `pkcs11:token=${token.label}`,
      pinSource: token.pin,
      // A signing process gets this environment and no other: it must find a library that was only unpacked, too.
      environment: { SOFTHSM2_CONF: configuration, ...unpackedLibraries() },
    },
  };
}

/** @param {string} objects directory of the token's objects */
function configurationFor(objects) {
  return readFileSync(inRepository('softhsm', 'softhsm2.conf'), 'utf8').replaceAll('@OBJECTS@', objects);
}
