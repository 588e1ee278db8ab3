/**
 * The pool of sessions, and whose turn it is.
 *
 * A session does one signature at a time. Keys take turns, so that a thousand requests for one key delay
 * another key's request by one signature, not by a thousand.
 */
import { Fault } from '#core/fault';
import type { Handle } from './library.js';

interface Job {
  readonly run: (session: Handle) => Promise<void>;
  readonly refuse: (reason: unknown) => void;
}

/** More waiting requests than any token can serve before its callers give up. */
const MOST_WAITING = 10_000;

export class SessionPool {
  readonly #open: () => Handle;
  readonly #close: (session: Handle) => void;
  #most: number;
  #idle: Handle[] = [];
  #busy = 0;
  #waiting = 0;
  #idleAgain: (() => void)[] = [];
  /** In the order of turns; a key whose turn is over goes to the end. */
  readonly #queues = new Map<string, Job[]>();

  constructor(most: number, open: () => Handle, close: (session: Handle) => void) {
    this.#most = Math.max(1, most);
    this.#open = open;
    this.#close = close;
  }

  get size(): number {
    return this.#idle.length + this.#busy;
  }

  get underWay(): number {
    return this.#busy + this.#waiting;
  }

  /**
   * Runs `work` with a session of its own when it is `key`'s turn. A session in which something went
   * wrong is closed, never used again: an operation may still be active in it.
   */
  use<T>(key: string, work: (session: Handle) => Promise<T>): Promise<T> {
    if (this.#waiting >= MOST_WAITING) {
      return Promise.reject(
        new Fault(
          'unavailable',
          'hsm/busy',
          'more signatures are asked for than the token can make; retry later',
          {
            retryAfterSeconds: 1,
          },
        ),
      );
    }
    return new Promise<T>((resolve, reject) => {
      const run = async (session: Handle): Promise<void> => {
        try {
          resolve(await work(session));
          this.#idle.push(session);
        } catch (error) {
          this.#close(session);
          reject(error as Error);
        } finally {
          this.#busy -= 1;
          this.#pump();
        }
      };
      const queue = this.#queues.get(key);
      const job = { run, refuse: reject };
      if (queue === undefined) this.#queues.set(key, [job]);
      else queue.push(job);
      this.#waiting += 1;
      this.#pump();
    });
  }

  /** Resolves when nothing is under way. */
  async drained(): Promise<void> {
    if (this.underWay > 0) await new Promise<void>((resolve) => this.#idleAgain.push(resolve));
  }

  /** Refuses what waits, closes what is idle; what is busy ends by itself. */
  end(reason: unknown): void {
    for (const job of [...this.#queues.values()].flat()) job.refuse(reason);
    this.#queues.clear();
    this.#waiting = 0;
    for (const session of this.#idle) this.#close(session);
    this.#idle = [];
    this.#most = 0;
  }

  #pump(): void {
    while (this.#waiting > 0) {
      const session = this.#take();
      if (session === undefined) break;
      const job = this.#next();
      if (job === undefined) break;
      this.#busy += 1;
      void job.run(session);
    }
    if (this.underWay === 0) for (const tell of this.#idleAgain.splice(0)) tell();
  }

  #take(): Handle | undefined {
    const idle = this.#idle.pop();
    if (idle !== undefined || this.#busy >= this.#most) return idle;
    try {
      return this.#open();
    } catch (error) {
      // A token with fewer sessions than we would like serves with those it has.
      if (this.#busy > 0) this.#most = this.#busy;
      else for (let job = this.#next(); job !== undefined; job = this.#next()) job.refuse(error);
      return undefined;
    }
  }

  #next(): Job | undefined {
    const [turn] = this.#queues;
    if (turn === undefined) return undefined;
    const [key, queue] = turn;
    const job = queue.shift();
    this.#queues.delete(key);
    if (queue.length > 0) this.#queues.set(key, queue);
    this.#waiting -= 1;
    return job;
  }
}
