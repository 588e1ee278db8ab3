/**
 * `airseal`, the command line of operators, officers, auditors and signers.
 *
 * Verbs load their own code when they are called: a signature is verified in the time it takes to verify
 * it, not in the time it takes to load a database driver.
 */
import { enableCompileCache } from 'node:module';
import { buildProgram } from './program.js';
import { failWith } from './exit.js';

enableCompileCache();

try {
  await (await buildProgram()).parseAsync();
} catch (error) {
  failWith(error);
}
