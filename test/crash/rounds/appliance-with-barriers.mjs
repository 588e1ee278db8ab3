/**
 * The built appliance, with barriers that a test can stop it at: --control SOCKET --settings PATH.
 *
 * The same as the product's own program but for two things: the trees are handed a barrier, and the agent that it
 * starts is the one with a barrier (agent-with-barriers.mjs).
 */
import 'reflect-metadata';
import childProcess from 'node:child_process';
import { syncBuiltinESMExports } from 'node:module';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createLogger, loadSettings } from '#platform';
import { barriers } from './barriers.mjs';

const { values } = parseArgs({
  options: { control: { type: 'string', default: '' }, settings: { type: 'string', default: '' } },
});
const agent = fileURLToPath(new URL('./agent-with-barriers.mjs', import.meta.url));

const { spawn } = childProcess;
childProcess.spawn = /** @type {typeof spawn} */ (
  (/** @type {string} */ command, /** @type {string[]} */ words, /** @type {object} */ options) =>
    spawn(
      command,
      words.flatMap((word) =>
        word.endsWith('/hsm/src/agent/main.js') ? [agent, values.control, word] : [word],
      ),
      options,
    )
);
syncBuiltinESMExports();

const dist = new URL('../../../dist/apps/appliance/src/', import.meta.url);
const { everyDoor } = await import(new URL('app.module.js', dist).href);
const { startAppliance } = await import(new URL('start.js', dist).href);

const settings = loadSettings(values.settings);
const logger = createLogger(settings);
const fail = (/** @type {unknown} */ error) => {
  logger.fatal({ err: error }, 'the appliance stops');
  process.exit(1);
};
for (const event of ['uncaughtException', 'unhandledRejection']) process.on(event, fail);
const at = barriers(values.control, 'appliance');
try {
  const appliance = await startAppliance(settings, logger, {
    version: 'crash',
    doors: (/** @type {any} */ floor) => everyDoor(floor, at),
  });
  process.on('SIGTERM', () => appliance.close().then(() => process.exit(0), fail));
} catch (error) {
  fail(error);
}
