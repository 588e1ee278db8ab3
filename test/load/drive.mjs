/**
 * Two ways of asking: as fast as answers come (closed loop), and at a fixed rate.
 *
 * A figure is a warm-up that counts for nothing and several windows; between windows the next requests are
 * prepared, so that making signatures is not part of what is measured. Requests that are still under way when a
 * window ends are waited for and checked, but do not count into its rate.
 */
import { Connection } from './connections.mjs';

/**
 * @typedef {import('./connections.mjs').Answer} Answer
 * @typedef {{ request: Buffer, context: unknown }} Asked
 * @typedef {{ asked: Asked, answer: Answer, ms: number }} Answered
 * @typedef {{ perSecond: number, answered: Answered[], errors: string[] }} Window
 */

/**
 * Connections are opened for each window: while requests are being prepared, the appliance may close what is idle.
 *
 * @template T @param {URL} url @param {Buffer} ca @param {number} count @param {(connections: Connection[]) => Promise<T>} use
 */
export async function withConnections(url, ca, count, use) {
  const connections = await Promise.all(Array.from({ length: count }, () => Connection.open(url, ca)));
  try {
    return await use(connections);
  } finally {
    for (const connection of connections) connection.close();
  }
}

/**
 * Every connection asks again as soon as it is answered.
 *
 * @param {Connection[]} connections @param {Asked[]} queue @param {number} durationMs @param {number} expected status
 * @returns {Promise<Window>}
 */
export async function closedLoop(connections, queue, durationMs, expected) {
  /** @type {Answered[]} */
  const answered = [];
  /** @type {string[]} */
  const errors = [];
  const begun = performance.now();
  let lastInside = begun;
  let inside = 0;
  let next = 0;
  const loop = async (/** @type {Connection} */ connection) => {
    while (next < queue.length && performance.now() - begun < durationMs && connection.usable) {
      const asked = /** @type {Asked} */ (queue[next++]);
      const at = performance.now();
      try {
        const answer = await connection.ask(asked.request);
        const now = performance.now();
        if (answer.status !== expected) errors.push(unexpected(answer));
        else {
          answered.push({ asked, answer, ms: now - at });
          if (now - begun <= durationMs) {
            inside++;
            lastInside = now;
          }
        }
      } catch (error) {
        errors.push(String(error));
      }
    }
  };
  await Promise.all(connections.map(loop));
  // A queue that ran dry ends the window early; one that did not, at its time.
  const seconds = (next < queue.length ? durationMs : lastInside - begun) / 1000;
  return { perSecond: inside / seconds, answered, errors };
}

/**
 * A request starts every 1/rate seconds whether earlier ones are answered or not, so that a slow answer is not
 * hidden by the requests it kept from being sent (coordinated omission). Needs enough connections.
 *
 * @param {Connection[]} connections @param {Asked[]} queue @param {number} rate @param {number} expected status
 * @returns {Promise<Window>}
 */
export async function fixedRate(connections, queue, rate, expected) {
  /** @type {Answered[]} */
  const answered = [];
  /** @type {string[]} */
  const errors = [];
  const idle = [...connections];
  /** @type {{ asked: Asked, due: number }[]} */
  const waiting = [];
  const begun = performance.now();
  await new Promise((done) => {
    let started = 0;
    let finished = 0;
    const send = (/** @type {Connection} */ connection, /** @type {{ asked: Asked, due: number }} */ { asked, due }) => {
      connection
        .ask(asked.request)
        .then(
          (answer) => {
            if (answer.status === expected) answered.push({ asked, answer, ms: performance.now() - due });
            else errors.push(unexpected(answer));
          },
          (/** @type {unknown} */ error) => errors.push(String(error)),
        )
        .finally(() => {
          finished++;
          const next = waiting.shift();
          if (next !== undefined) send(connection, next);
          else idle.push(connection);
          if (finished === queue.length) done(undefined);
        });
    };
    const timer = setInterval(() => {
      const due = Math.min(queue.length, Math.floor(((performance.now() - begun) / 1000) * rate));
      for (; started < due; started++) {
        const one = { asked: /** @type {Asked} */ (queue[started]), due: begun + (started * 1000) / rate };
        const connection = idle.pop();
        if (connection === undefined) waiting.push(one);
        else send(connection, one);
      }
      if (started === queue.length) clearInterval(timer);
    }, 1);
  });
  return { perSecond: answered.length / ((performance.now() - begun) / 1000), answered, errors };
}

/** @param {Answer} answer */
function unexpected({ status, body }) {
  return `${status} ${body.toString('utf8', 0, 200).trim()}`;
}

/** @param {readonly number[]} values @param {number} share */
export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

/** @param {readonly number[]} values */
export function median(values) {
  return quantile(values, 0.5);
}
