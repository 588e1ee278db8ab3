/** The appliance as a daemon of the state directory: start, readiness, stop. */
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import { builtFrom } from './build.mjs';
import { Halt, plainEnvironment, until } from './command.mjs';
import { assertAlive, runningDaemon, startDaemon, stopDaemon } from './daemons.mjs';
import { addresses } from './evaluation-files.mjs';
import { readJson, writeWhole } from './files.mjs';
import { inRepository, pinnedNode } from './paths.mjs';
import { programEnvironment } from './programs.mjs';

/** How long a stop waits: longer than the appliance's own deadline for requests under way. */
const patienceMs = 30_000;

/** @param {import('./state.mjs').State} state @returns {Promise<string>} */
export async function startAppliance(state) {
  const { layout } = state;
  const log = join(layout.logs, 'appliance.log');
  const runsBuild = join(layout.daemons, 'appliance.build');
  let record = runningDaemon(layout.daemons, 'appliance');
  let verb = 'running';
  if (record !== undefined && readJson(runsBuild)?.sources !== builtFrom()) {
    // What runs is not what was built: a second `up` after a change of the sources brings the change.
    await stopDaemon(layout.daemons, 'appliance', 'SIGTERM', patienceMs);
    record = undefined;
    verb = 'restarted with the new build';
  }
  if (record === undefined) {
    for (const address of addresses) await assertPortFree(address, state.record.port);
    writeWhole(runsBuild, JSON.stringify({ sources: builtFrom() }));
    record = startDaemon(layout.daemons, 'appliance', {
      program: pinnedNode,
      args: [inRepository('dist', 'apps', 'appliance', 'src', 'main.js'), '--settings', layout.settings],
      log,
      env: { ...programEnvironment(plainEnvironment()), NODE_ENV: 'production' },
    });
    if (verb === 'running') verb = 'started';
  }
  const mine = record;
  let last = '';
  try {
    await until('the appliance', 90_000, async () => {
      assertAlive(mine, log);
      const answer = await readiness(state);
      last = answer.text;
      return answer.ready;
    });
  } catch (cause) {
    if (cause instanceof Halt) cause.advice ??= `read ${log}${last === '' ? '' : `; /readyz said: ${last.slice(0, 600)}`}`;
    throw cause;
  }
  return `${verb}, process ${mine.pid}`;
}

/** @param {import('./state.mjs').State} state */
export function stopAppliance(state) {
  return stopDaemon(state.layout.daemons, 'appliance', 'SIGTERM', patienceMs);
}

/**
 * Asks `/readyz` over TLS, trusting nobody but this installation's own authority.
 *
 * @param {import('./state.mjs').State} state
 * @returns {Promise<{ready: boolean, text: string}>}
 */
export function readiness(state) {
  return new Promise((settle) => {
    /** @type {Buffer} */
    let ca;
    try {
      ca = readFileSync(join(state.layout.tls, 'ca.pem'));
    } catch {
      settle({ ready: false, text: 'no TLS certificate yet' });
      return;
    }
    const asked = request(
      { host: addresses[0], port: state.record.port, path: '/readyz', ca, agent: false, timeout: 5000 },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (part) => (text += part));
        answer.on('end', () => settle({ ready: answer.statusCode === 200, text: text.trim() }));
      },
    );
    asked.on('timeout', () => asked.destroy(new Error('no answer within 5 s')));
    asked.on('error', (cause) => settle({ ready: false, text: cause.message }));
    asked.end();
  });
}

/** @param {string} address @param {number} port */
export async function assertPortFree(address, port) {
  const taken = await new Promise((settle) => {
    const connection = connect({ host: address, port });
    connection.on('connect', () => {
      connection.destroy();
      settle(true);
    });
    connection.on('error', () => settle(false));
  });
  if (taken) {
    throw new Halt(`something else answers on ${address}:${port}`, 'end it, or choose another port for a new installation: npm run up -- --port N --state DIR');
  }
}
