/**
 * One file for the verbs that verify, and its bytecode: what a cold `airseal verify-blob` starts from.
 *
 * The bytecode is for the pinned Node.js, which is why that makes it. All functions are compiled, not only those
 * that a first run would need.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './command.mjs';
import { writeWhole } from './files.mjs';
import { inRepository, pinnedNode } from './paths.mjs';

const built = inRepository('dist', 'apps', 'airseal', 'src');
const target = join(built, 'verify.bundle.cjs');
const verifying = /\/verify-blob(-attestation)?\.command\.js$/;

/** Runs under the system's Node.js as well; the work is the pinned one's. */
export async function bundleVerifier() {
  await run(pinnedNode, [fileURLToPath(import.meta.url)], { cwd: inRepository() });
}

async function bundle() {
  const { build } = await import('esbuild');
  await build({
    entryPoints: [join(built, 'verify-main.js')],
    outfile: target,
    bundle: true,
    minify: true,
    legalComments: 'none',
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    // A function of what it needs from outside, so that the text is an expression with a value.
    banner: { js: '(function (require, file) { const bundleUrl = require("node:url").pathToFileURL(file).href;' },
    footer: { js: '})' },
    define: { 'import.meta.url': 'bundleUrl' },
    plugins: [
      {
        name: 'only-what-verifies',
        setup(api) {
          // The other verbs stay where they are; the launcher never asks this file for them.
          api.onResolve({ filter: /\.command\.js$/ }, ({ path }) => (verifying.test(path) ? undefined : { path, external: true }));
        },
      },
    ],
    logLevel: 'error',
  });
}

async function compile() {
  const { setFlagsFromString } = await import('node:v8');
  const { Script } = await import('node:vm');
  setFlagsFromString('--no-lazy');
  const script = new Script(readFileSync(target, 'utf8'), { filename: target });
  // The flags are part of what V8 compares when it is given the bytecode again.
  setFlagsFromString('--lazy');
  writeWhole(`${target}.bytecode`, script.createCachedData());
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await bundle();
  await compile();
}
