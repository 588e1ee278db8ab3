/** The other three verbs of a state directory: end what it started, say how it is, remove it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readiness, stopAppliance } from './appliance.mjs';
import { attempt, Halt } from './command.mjs';
import { recordedDaemons, runningDaemon, stopDaemon } from './daemons.mjs';
import { originOf } from './evaluation-files.mjs';
import { removeTree } from './files.mjs';
import { stopPostgres } from './postgres.mjs';
import { answersPing, redisSocketOf, stopRedis } from './redis.mjs';
import { postgresBinaries, programEnvironment } from './programs.mjs';
import { engines, exclusively, findState, isOurs } from './state.mjs';

/** @param {string} root @returns {Promise<number>} exit code */
export async function down(root) {
  const state = findState(root);
  if (state === undefined) {
    process.stdout.write(`nothing to end: ${root} is not a state directory\n`);
    return 0;
  }
  return exclusively(root, async () => {
    const { postgres, redis } = engines(state);
    // Nobody else works here now, so a ceremony that still runs has lost its `up`.
    await stopDaemon(state.layout.daemons, 'genesis', 'SIGKILL');
    // The appliance first: it finishes requests under way while its engines still answer.
    for (const [name, stop] of /** @type {const} */ ([
      ['appliance', () => stopAppliance(state)],
      ['redis', () => stopRedis(redis)],
      ['postgres', () => stopPostgres(postgres)],
    ])) {
      process.stdout.write(`${name} … ${await stop()}\n`);
    }
    return 0;
  });
}

/** @param {string} root @returns {Promise<number>} 0 when all is well, 3 when something does not run or is not ready */
export async function status(root) {
  const state = findState(root);
  if (state === undefined) {
    process.stdout.write(`no installation in ${root}; make one with: npm run up\n`);
    return 3;
  }
  const { layout, record } = state;
  const { redis } = engines(state);
  let well = true;
  /** @param {string} name @param {() => Promise<{ready: boolean, text: string}>} ask */
  const report = async (name, ask) => {
    const daemon = runningDaemon(layout.daemons, name);
    const { ready, text } = daemon === undefined ? { ready: false, text: '' } : await ask();
    well &&= ready;
    const line = daemon === undefined ? 'not running' : `process ${daemon.pid}, up ${upFor(daemon)}, ${ready ? 'ready' : 'NOT READY'}`;
    process.stdout.write(`${name.padEnd(10)} ${line}${text === '' ? '' : `\n           ${text}`}\n`);
  };
  await report('postgres', async () => {
    const args = ['-q', '-h', record.runtimeDir];
    const answer = await attempt(join(postgresBinaries() ?? '', 'pg_isready'), args, { env: programEnvironment() });
    return { ready: answer.code === 0, text: '' };
  });
  await report('redis', async () => ({ ready: await answersPing(redisSocketOf(redis)), text: '' }));
  await report('appliance', () => readiness(state));
  process.stdout.write(`state      ${layout.root}\nsockets    ${record.runtimeDir}\naddress    ${originOf(state)}\n`);
  return well ? 0 : 3;
}

/** @param {import('./daemons.mjs').DaemonRecord} daemon */
function upFor(daemon) {
  // Start times are in ticks of 1/100 s since boot on every Linux that Node runs on.
  const uptime = Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]);
  const seconds = Math.max(0, Math.round(uptime - Number(daemon.startTime) / 100));
  return seconds < 120 ? `${seconds} s` : seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

/** @param {string} root @param {boolean} confirmed @returns {Promise<number>} */
export async function reset(root, confirmed) {
  const state = findState(root);
  if (state === undefined) {
    process.stdout.write(`nothing to remove: ${root} is not a state directory\n`);
    return 0;
  }
  const running = recordedDaemons(state.layout.daemons).filter((name) => runningDaemon(state.layout.daemons, name) !== undefined);
  if (running.length > 0) throw new Halt(`still running: ${running.join(', ')}`, 'npm run down');
  if (!confirmed) {
    throw new Halt(
      `this would delete ${root}: its keys, its logs and every PIN; what it signed stays verifiable only from copies of its trust root`,
      'npm run reset -- --yes',
    );
  }
  if (isOurs(state.record.runtimeDir)) removeTree(state.record.runtimeDir);
  removeTree(root);
  process.stdout.write(`removed ${root}\n`);
  return 0;
}
