/** Compiles apps and libraries into `dist/`, unless nothing has changed since the last time. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { bundleVerifier } from './bundle-verifier.mjs';
import { run } from './command.mjs';
import { readJson, removeTree, writeWhole } from './files.mjs';
import { inRepository, pinnedNode, repository } from './paths.mjs';

const record = inRepository('dist', 'build.json');

/** What `dist/` was built from, in one word; undefined before the first build. @returns {string | undefined} */
export function builtFrom() {
  return readJson(record)?.sources;
}

/** @returns {Promise<string>} */
export async function ensureBuild() {
  const sources = digestOfSources();
  if (builtFrom() === sources) return 'up to date';
  // Gone before the compiler starts: an interrupted build must not pass for a finished one.
  removeTree(record);
  await run(pinnedNode, [inRepository('node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.build.json'], { cwd: repository });
  await bundleVerifier();
  writeWhole(record, `${JSON.stringify({ sources })}\n`);
  return 'compiled';
}

/** Name, size and time of change of each source file, and the content of what decides how they are compiled. */
function digestOfSources() {
  const hash = createHash('sha256');
  for (const name of ['package-lock.json', 'package.json', 'tsconfig.json', 'tsconfig.build.json']) {
    hash.update(readFileSync(inRepository(name)));
  }
  for (const top of ['apps', 'libs']) digestDirectory(inRepository(top), hash);
  return hash.digest('hex');
}

/** @param {string} directory @param {import('node:crypto').Hash} hash */
function digestDirectory(directory, hash) {
  for (const entry of readdirSync(directory, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) {
      if (entry.name !== 'build' && entry.name !== 'node_modules') digestDirectory(path, hash);
    } else if (entry.name.endsWith('.ts') && !/\.(spec|contract)\.ts$/.test(entry.name) && existsSync(path)) {
      const { size, mtimeMs } = statSync(path);
      hash.update(`${path}\0${size}\0${mtimeMs}\n`);
    }
  }
}
