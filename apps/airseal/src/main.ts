/**
 * `airseal`, the command line of operators, officers, auditors and signers.
 *
 * Verbs load their own code when they are called: a signature is verified in the time it takes to verify
 * it, not in the time it takes to load a database driver.
 */
import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { buildProgram } from './program.js';
import { failWith } from './exit.js';

// Never the default place under /tmp: whoever may write there could choose what runs here.
enableCompileCache(join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'airseal', 'bytecode'));

try {
  await (await buildProgram()).parseAsync();
} catch (error) {
  failWith(error);
}
