/** The proof that all of it works: a machine gets an identity, signs a file, and the file is verified offline. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { airseal } from './airseal-command.mjs';
import { originOf } from './evaluation-files.mjs';
import { ensureDirectory, writeIfDifferent } from './files.mjs';

export const firstIdentity = 'first-machine@evaluation.airseal.invalid';

/** @param {import('./state.mjs').State} state */
export function firstFiles(state) {
  const { first } = state.layout;
  return {
    artifact: join(first, 'hello.txt'),
    bundle: join(first, 'hello.txt.sigstore.json'),
    credentials: join(first, 'machine.json'),
  };
}

/** @param {import('./state.mjs').State} state @returns {Promise<string>} */
export async function ensureFirstSignature(state) {
  const files = firstFiles(state);
  ensureDirectory(state.layout.first, 0o700);
  writeIfDifferent(files.artifact, 'The first file signed by this installation of Airseal.\n');
  if (!existsSync(files.credentials)) {
    await airseal(state, ['identity', 'add', firstIdentity, '--credentials', files.credentials]);
  }
  let verb = 'verified again';
  if (!existsSync(files.bundle)) {
    await airseal(state, ['sign-blob', '--credentials', files.credentials, '--bundle', files.bundle, files.artifact]);
    verb = 'signed, logged, timestamped and verified offline';
  }
  await airseal(state, [
    'verify-blob',
    ...['--bundle', files.bundle, '--certificate-identity', firstIdentity],
    ...['--certificate-oidc-issuer', `${originOf(state)}/oidc`],
    files.artifact,
  ]);
  return verb;
}
