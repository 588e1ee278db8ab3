/** Compiles a C source of this folder to a shared object, once for each state of the source. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { dirname, join, parse } from 'node:path';

const root = join(import.meta.dirname, '../../..');

/** @param {string} name of the source @returns {string} path of the shared object */
export function compiledInterposer(name) {
  const source = join(import.meta.dirname, name);
  const digest = createHash('sha256').update(readFileSync(source)).digest('hex').slice(0, 16);
  const library = join(root, '.cache', `${parse(name).name}-${digest}.so`);
  if (!existsSync(library)) {
    mkdirSync(dirname(library), { recursive: true });
    const headers = join(root, 'node_modules/pkcs11js/includes/pkcs11');
    const unfinished = `${library}.${process.pid}`;
    const words = ['-std=gnu11', '-O1', '-shared', '-fPIC', '-I', headers, '-o', unfinished, source, '-ldl'];
    execFileSync('cc', words);
    renameSync(unfinished, library);
  }
  return library;
}
