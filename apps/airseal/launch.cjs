/**
 * The first file that runs.
 *
 * Verifying starts from one file that the build made of everything it needs, with the bytecode for it beside: no
 * module is looked for, nothing is compiled. Bytecode of another Node.js is refused by V8 and the text compiled
 * instead. Both files come from the build and are written by nobody else; a cache in a directory that others may
 * write to would let them choose what a verifier runs. Every other verb takes the modules as they are.
 */
'use strict';
const { existsSync, readFileSync } = require('node:fs');
const { join } = require('node:path');
const { Script } = require('node:vm');

const built = join(__dirname, '..', '..', 'dist', 'apps', 'airseal', 'src');
const whole = join(built, 'verify.bundle.cjs');
const verb = process.argv[2] ?? '';

if ((verb === 'verify-blob' || verb === 'verify-blob-attestation') && existsSync(whole)) {
  const bytecode = `${whole}.bytecode`;
  const script = new Script(readFileSync(whole, 'utf8'), {
    filename: whole,
    ...(existsSync(bytecode) ? { cachedData: readFileSync(bytecode) } : {}),
  });
  script.runInThisContext()(require, whole);
} else {
  void import(join(built, 'main.js'));
}
