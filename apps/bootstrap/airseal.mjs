#!/usr/bin/env node
/** The command line `airseal`, handed to the pinned Node.js by path, with whatever `node` the system has. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { inRepository, pinnedNode } from './src/paths.mjs';

const main = inRepository('dist', 'apps', 'airseal', 'src', 'main.js');
if (!existsSync(pinnedNode) || !existsSync(main)) {
  process.stderr.write('airseal is not built yet: run `npm run build` (or `npm run up`) first\n');
  process.exit(1);
}
const { status, signal } = spawnSync(pinnedNode, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
if (signal !== null) process.kill(process.pid, signal);
process.exitCode = status ?? 1;
