/**
 * The verbs that verify, as the build puts them into one file (apps/bootstrap/src/bundle-verifier.mjs): the same
 * program, the same code, fewer files.
 */
import { failWith } from './exit.js';
import { buildProgram } from './program.js';

buildProgram()
  .then((program) => program.parseAsync())
  .catch(failWith);
