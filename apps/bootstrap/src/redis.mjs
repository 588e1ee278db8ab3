/** A private Redis on a Unix socket: queues only. Nothing acknowledged has its only copy here. */
import { connect } from 'node:net';
import { join } from 'node:path';
import { assertAlive, runningDaemon, startDaemon, stopDaemon } from './daemons.mjs';
import { Halt, until } from './command.mjs';
import { ensureDirectory } from './files.mjs';
import { programEnvironment, redisServer } from './programs.mjs';

/** @typedef {{directory: string, runtime: string, daemons: string, logs: string}} RedisPlace */

/** @param {RedisPlace} place */
export function redisSocketOf(place) {
  return join(place.runtime, 'redis.sock');
}

/**
 * @param {RedisPlace} place
 * @returns {Promise<boolean>} whether it was started now
 */
export async function startRedis(place) {
  const program = redisServer();
  if (program === undefined) throw new Halt('Redis is not installed', 'npm run up');
  ensureDirectory(place.directory, 0o700);
  const log = join(place.logs, 'redis.log');
  const socket = redisSocketOf(place);
  let record = runningDaemon(place.daemons, 'redis');
  const started = record === undefined;
  record ??= startDaemon(place.daemons, 'redis', {
    program,
    argv0: 'redis-server',
    args: [
      ...['--port', '0', '--unixsocket', socket, '--unixsocketperm', '700', '--dir', place.directory],
      ...['--appendonly', 'yes', '--save', '', '--maxmemory-policy', 'noeviction', '--daemonize', 'no'],
    ],
    log,
    env: programEnvironment(),
  });
  const mine = record;
  await until('Redis', 20_000, () => {
    assertAlive(mine, log);
    return answersPing(socket);
  });
  return started;
}

/** @param {string} socket @returns {Promise<boolean>} */
export function answersPing(socket) {
  return new Promise((settle) => {
    const connection = connect(socket);
    /** @param {boolean} answer */
    const finish = (answer) => {
      connection.destroy();
      settle(answer);
    };
    connection.setTimeout(2000, () => finish(false));
    connection.on('error', () => finish(false));
    connection.on('connect', () => connection.write('PING\r\n'));
    connection.on('data', (bytes) => finish(bytes.toString('latin1').startsWith('+PONG')));
  });
}

/** @param {RedisPlace} place */
export function stopRedis(place) {
  return stopDaemon(place.daemons, 'redis', 'SIGTERM', 20_000);
}
