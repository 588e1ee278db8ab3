/**
 * Checks entries in worker threads, since a signature check on the main thread would starve every other request
 * (measured: half the throughput, and the database waits along with it).
 *
 * A thread that dies takes its requests with it: they are refused as `unavailable`, and a new one takes its place.
 */
import { Worker } from 'node:worker_threads';
import { type CryptoProfile, profileInUse } from '#core/crypto';
import { Fault } from '#core/fault';
import type { Logger } from '#platform';
import type { DepositChecker, DepositFacts, DepositMatch } from './checked-deposit.js';
import type {
  CheckedEntry,
  CheckerData,
  CheckReply,
  CheckRequest,
  EntryChecker,
  Face,
} from './checked-entry.js';
import type { LookUps } from './v1/look-ups.js';

interface Waiting {
  readonly resolve: (reply: CheckReply) => void;
  readonly reject: (error: Error) => void;
}

interface Thread {
  readonly worker: Worker;
  readonly waiting: Map<number, Waiting>;
  /** Not sent yet. */
  requests: CheckRequest[];
}

/**
 * A message between threads costs a fifth of a check on either side, so requests of one turn of the event loop
 * travel together; not too many, because they are answered together too.
 */
const TOGETHER = 8;

export interface WorkerOptions {
  readonly threads?: number;
  readonly profile?: CryptoProfile;
  /** See `V2Options`. */
  readonly nativeDsse?: boolean;
  /** See `CheckOptions`. */
  readonly maximumStatementBytes?: number;
  /** Requests that may wait in all; more are refused. */
  readonly maxWaiting?: number;
  /** Node options of the threads; specs need some to run from sources. */
  readonly execArgv?: readonly string[];
}

function busy(message: string): Fault {
  return new Fault('unavailable', 'entry/busy', message, { retryAfterSeconds: 1 });
}

function otherAnswer(): Error {
  return new Error('a thread answered another question');
}

function send(thread: Thread): void {
  const { requests } = thread;
  if (requests.length === 0) return;
  thread.requests = [];
  thread.worker.postMessage(requests);
}

/** Leaves out the number, whatever kind of request it is. */
type Unnumbered<R> = R extends { readonly id: number } ? Omit<R, 'id'> : never;

export class WorkerEntryChecker implements EntryChecker, DepositChecker {
  readonly #logger: Logger;
  readonly #options: WorkerOptions;
  readonly #maxWaiting: number;
  readonly #threads: Thread[];
  #next = 0;
  #closed = false;

  constructor(logger: Logger, options: WorkerOptions = {}) {
    this.#logger = logger;
    this.#options = options;
    this.#maxWaiting = options.maxWaiting ?? 4096;
    this.#threads = Array.from({ length: options.threads ?? 2 }, () => this.#start());
  }

  async check(face: Face, body: Uint8Array): Promise<CheckedEntry> {
    const reply = await this.#ask({ what: face, body });
    if ('entry' in reply) return reply.entry;
    throw otherAnswer();
  }

  async lookUps(body: Uint8Array): Promise<LookUps> {
    const reply = await this.#ask({ what: 'look-ups', body });
    if ('lookUps' in reply) return reply.lookUps;
    throw otherAnswer();
  }

  async readDeposit(body: Uint8Array): Promise<DepositFacts> {
    const reply = await this.#ask({ what: 'deposit', body });
    if ('deposit' in reply) return reply.deposit;
    throw otherAnswer();
  }

  async matchDeposit(body: Uint8Array, leaves: readonly Uint8Array[]): Promise<DepositMatch> {
    const reply = await this.#ask({ what: 'match', body, leaves });
    if ('match' in reply) return reply.match;
    throw otherAnswer();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
  }

  #ask(request: Unnumbered<CheckRequest>): Promise<CheckReply> {
    const thread = this.#threads.reduce((least, one) =>
      one.waiting.size < least.waiting.size ? one : least,
    );
    if (this.#closed) return Promise.reject(busy('the log is shutting down'));
    if (thread.waiting.size * this.#threads.length >= this.#maxWaiting) {
      return Promise.reject(busy('too many entries are waiting to be checked; retry'));
    }
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      thread.waiting.set(id, { resolve, reject });
      if (thread.requests.push({ id, ...request }) === 1) setImmediate(() => send(thread));
      else if (thread.requests.length === TOGETHER) send(thread);
    });
  }

  #start(): Thread {
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const worker = new Worker(new URL(`./check-entry.worker.${extension}`, import.meta.url), {
      workerData: {
        profile: this.#options.profile ?? profileInUse(),
        nativeDsse: this.#options.nativeDsse ?? false,
        maximumStatementBytes: this.#options.maximumStatementBytes ?? 0,
      } satisfies CheckerData,
      ...(this.#options.execArgv === undefined ? {} : { execArgv: [...this.#options.execArgv] }),
    });
    const thread: Thread = { worker, waiting: new Map(), requests: [] };
    worker.on('message', (replies: readonly CheckReply[]) => {
      for (const reply of replies) this.#settle(thread, reply);
    });
    worker.on('error', (err) => this.#logger.error({ err }, 'a thread that checks entries died'));
    worker.once('exit', () => this.#replace(thread));
    // Threads keep nothing alive by themselves: the server does.
    worker.unref();
    return thread;
  }

  #settle(thread: Thread, reply: CheckReply): void {
    const waiting = thread.waiting.get(reply.id);
    thread.waiting.delete(reply.id);
    if (waiting === undefined) return;
    if ('defect' in reply) waiting.reject(new Error(reply.defect));
    else if ('fault' in reply) {
      const { kind, code, message, detail } = reply.fault;
      waiting.reject(new Fault(kind, code, message, { detail }));
    } else waiting.resolve(reply);
  }

  #replace(thread: Thread): void {
    for (const { reject } of thread.waiting.values()) reject(busy('the entry could not be checked; retry'));
    thread.waiting.clear();
    const at = this.#threads.indexOf(thread);
    if (!this.#closed && at !== -1) this.#threads[at] = this.#start();
  }
}
