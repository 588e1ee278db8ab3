/**
 * A whole installation for tests, made by the same steps as `npm run up`. Journeys and the tests with other
 * people's clients use it; each run has its own.
 */
import { mkdtempSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { down, reset } from '../../apps/bootstrap/src/down.mjs';
import { addresses, originOf } from '../../apps/bootstrap/src/evaluation-files.mjs';
import { firstFiles, firstIdentity } from '../../apps/bootstrap/src/first-signature.mjs';
import { writeWhole, readJson } from '../../apps/bootstrap/src/files.mjs';
import { inRepository, pinnedNode } from '../../apps/bootstrap/src/paths.mjs';
import { walk } from '../../apps/bootstrap/src/progress.mjs';
import { upSteps } from '../../apps/bootstrap/src/up.mjs';

/**
 * @param {(layout: import('../../apps/bootstrap/src/paths.mjs').StateLayout) => void} [prepare] called once the
 *   settings are written and nothing has read them
 * @returns {Promise<string>} path of the description
 */
export async function bringUp(prepare) {
  const root = mkdtempSync(join(tmpdir(), 'airseal-installation-'));
  const plan = upSteps({ root, port: await freePort() });
  const steps = plan.steps.flatMap((step) =>
    step.name !== 'settings' || prepare === undefined
      ? [step]
      : [step, { name: 'what this test adds', run: async () => prepare(plan.state().layout) ?? 'done' }],
  );
  try {
    await walk(steps, { done: 0, total: steps.length });
  } catch (cause) {
    const { logs } = plan.state().layout;
    for (const name of ['appliance', 'postgres']) process.stderr.write(tail(join(logs, `${name}.log`)));
    await down(root);
    await reset(root, true);
    throw cause;
  }
  const state = plan.state();
  const description = join(root, 'installation.json');
  const files = firstFiles(state);
  writeWhole(
    description,
    JSON.stringify({
      stateDir: root,
      port: state.record.port,
      origin: originOf(state),
      shardOrigin: `https://${addresses[1]}:${state.record.port}`,
      caFile: join(state.layout.tls, 'ca.pem'),
      settings: state.layout.settings,
      trustedRoot: join(root, 'trust', 'trusted_root.json'),
      adminSocket: join(state.record.runtimeDir, 'admin.sock'),
      runtimeDir: state.record.runtimeDir,
      identity: firstIdentity,
      credentials: files.credentials,
      node: pinnedNode,
      commandLine: inRepository('dist', 'apps', 'airseal', 'src', 'main.js'),
    }),
  );
  return description;
}

/** @param {string} description */
export async function takeDown(description) {
  const { stateDir } = readJson(description);
  await down(stateDir);
  await reset(stateDir, true);
}

/** A port that is free on every address of an installation. @returns {Promise<number>} */
async function freePort() {
  for (;;) {
    const port = await listenBriefly(addresses[0] ?? '', 0);
    if (port !== undefined && (await listenBriefly(addresses[1] ?? '', port)) !== undefined) return port;
  }
}

/** @param {string} host @param {number} port @returns {Promise<number | undefined>} */
function listenBriefly(host, port) {
  return new Promise((settle) => {
    const server = createServer();
    server.on('error', () => settle(undefined));
    server.listen({ host, port }, () => {
      const address = server.address();
      server.close(() => settle(typeof address === 'object' && address !== null ? address.port : undefined));
    });
  });
}

/** @param {string} path */
function tail(path) {
  try {
    return `── ${path}\n${readFileSync(path, 'utf8').trim().split('\n').slice(-20).join('\n')}\n`;
  } catch {
    return '';
  }
}
