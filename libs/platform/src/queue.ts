/**
 * Scheduled and long work on Redis.
 *
 * Redis is not durable: a job here is a reminder, never the only copy of anything. Whoever schedules must
 * be able to see from PostgreSQL what is due, and to do it twice without harm.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import Bull from 'bull';
import { Fault } from '#core/fault';
import type { Logger } from './logging.js';
import { readSecret } from './secret.js';
import type { RedisSettings } from './settings.js';

export type { Job, Queue } from 'bull';

/** How long a probe waits for a connection. */
const CONNECT_MS = 1500;

/** How Bull is to reach Redis: over a socket, a host or sentinels. */
export function redisOptions(settings: RedisSettings): NonNullable<Bull.QueueOptions['redis']> & object {
  const password = settings.passwordFile === undefined ? {} : { password: readSecret(settings.passwordFile) };
  const patience = { connectTimeout: 5000, maxRetriesPerRequest: null, enableReadyCheck: false };
  if ('socket' in settings) return { path: settings.socket, ...password, ...patience };
  const tls =
    settings.tls === undefined
      ? undefined
      : {
          ca: readFileSync(settings.tls.ca),
          ...(settings.tls.certificate === undefined ? {} : { cert: readFileSync(settings.tls.certificate) }),
          ...(settings.tls.key === undefined ? {} : { key: readSecret(settings.tls.key) }),
        };
  if ('sentinels' in settings) {
    return {
      sentinels: settings.sentinels.map(({ host, port }) => ({ host, port })),
      name: settings.name,
      ...password,
      ...patience,
      ...(tls === undefined ? {} : { tls, sentinelTLS: tls, enableTLSForSentinelMode: true }),
    };
  }
  return {
    host: settings.host,
    port: settings.port,
    ...password,
    ...patience,
    ...(tls === undefined ? {} : { tls }),
  };
}

/** One Bull queue per name; closed together. */
export class Queues {
  readonly #settings: RedisSettings;
  readonly #logger: Logger;
  readonly #queues = new Map<string, Bull.Queue>();
  #probe: Bull.Queue | undefined;

  constructor(settings: RedisSettings, logger: Logger) {
    this.#settings = settings;
    this.#logger = logger;
  }

  /** The queue called `name`; the first caller opens it. */
  queue<T = unknown>(name: string): Bull.Queue<T> {
    const known = this.#queues.get(name);
    if (known !== undefined) return known as Bull.Queue<T>;
    const queue = new Bull<T>(name, {
      redis: redisOptions(this.#settings),
      prefix: '{airseal}',
      defaultJobOptions: { removeOnComplete: 100, removeOnFail: 1000 },
    });
    // Without a listener an outage of Redis would end the process; the probe and the retries tell of it.
    queue.on('error', (err: Error) =>
      this.#logger.warn({ err, queue: name }, 'the queue cannot reach Redis'),
    );
    this.#queues.set(name, queue);
    return queue;
  }

  /** @throws {Fault} queue/unreachable */
  async probe(): Promise<void> {
    this.#probe ??= this.queue('probe');
    const client = this.#probe.client;
    // ioredis keeps commands while it is cut off; a probe must not pile them up, so it waits for the connection.
    if (client.status !== 'ready') {
      await once(client, 'ready', { signal: AbortSignal.timeout(CONNECT_MS) }).catch(() => {
        throw new Fault('unavailable', 'queue/unreachable', `Redis does not answer (${client.status})`);
      });
    }
    await client.ping();
  }

  /** Leaves Redis, also when it does not answer. */
  async close(): Promise<void> {
    const all = [...this.#queues.values()];
    this.#queues.clear();
    this.#probe = undefined;
    await Promise.allSettled(all.map(leave));
  }
}

/** What Bull does behind our back when a queue is opened and given work, in round trips to Redis. */
const OPENING_ROUND_TRIPS = 8;

/**
 * Bull waits for Redis before it closes; a stop must not.
 *
 * A queue that was opened a moment ago is let finish that first: what Bull still has under way when its
 * connections end is rejected where nobody can catch it, and would end the process as a defect.
 */
async function leave(queue: Bull.Queue): Promise<void> {
  const { status } = queue.client;
  if (status === 'ready' || status === 'connecting' || status === 'connect' || status === 'wait') {
    const patience = new AbortController();
    const late = setTimeout(CONNECT_MS, undefined, { signal: patience.signal }).catch(() => undefined);
    await Promise.race([settled(queue).then(() => queue.close(true)), late]).catch(() => undefined);
    patience.abort();
  }
  const { clients } = queue as unknown as { readonly clients: readonly { disconnect(): void }[] };
  for (const client of clients) client.disconnect();
}

async function settled(queue: Bull.Queue): Promise<void> {
  await queue.isReady();
  for (let trip = 0; trip < OPENING_ROUND_TRIPS; trip++) await queue.client.ping();
}
