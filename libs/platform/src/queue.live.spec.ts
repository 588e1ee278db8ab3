import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import { redisSocket } from '../../../test/kit/kit.js';
import { createLogger } from './logging.js';
import { Queues } from './queue.js';

const strays: unknown[] = [];
const note = (reason: unknown): void => void strays.push(reason);

beforeEach(() => {
  strays.length = 0;
  process.on('unhandledRejection', note);
});
afterEach(() => {
  process.off('unhandledRejection', note);
});

test('queues that are closed while they open leave no rejection behind', async () => {
  const logger = createLogger({ log: { level: 'fatal' }, mode: 'evaluation' });
  for (let delayMs = 0; delayMs < 20; delayMs += 3) {
    const queues = new Queues({ socket: redisSocket() }, logger);
    const queue = queues.queue(`closing-${delayMs % 3}`);
    queue.process('work', () => Promise.resolve()).catch(() => undefined);
    queue.add('work', {}, { repeat: { every: 3_600_000 }, jobId: 'work' }).catch(() => undefined);
    await pause(delayMs);
    await queues.close();
  }
  await pause(200);
  expect(strays).toEqual([]);
});
