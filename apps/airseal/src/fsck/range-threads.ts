/**
 * Threads that check ranges of leaves, each on a connection of its own: hashing then takes as many cores as it is
 * given, and so do the processes of the database that read for it.
 */
import { Worker } from 'node:worker_threads';
import { Fault } from '#core/fault';
import type { LeafRange, LeavesChecked, RangeRunner } from '#tree';

export interface RangeRequest {
  readonly id: number;
  readonly tree: string;
  readonly range: LeafRange;
  readonly sizes: readonly bigint[];
}

export type RangeReply = { readonly id: number } & (
  { readonly checked: LeavesChecked } | { readonly defect: string }
);

interface Waiting {
  readonly resolve: (checked: LeavesChecked) => void;
  readonly reject: (error: Error) => void;
}

export class RangeThreads {
  readonly #workers: { readonly worker: Worker; readonly waiting: Map<number, Waiting> }[];
  #next = 0;

  constructor(settings: string, threads: number) {
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    this.#workers = Array.from({ length: threads }, () => {
      const worker = new Worker(new URL(`./check-range.worker.${extension}`, import.meta.url), {
        workerData: { settings },
      });
      const waiting = new Map<number, Waiting>();
      worker.on('message', (reply: RangeReply) => {
        const asked = waiting.get(reply.id);
        waiting.delete(reply.id);
        if ('checked' in reply) asked?.resolve(reply.checked);
        else asked?.reject(new Error(reply.defect));
      });
      const ended = (cause: unknown): void => {
        for (const { reject } of waiting.values())
          reject(
            new Fault(
              'unavailable',
              'cli/thread-ended',
              'a thread of the check ended; run it again with --resume',
              { cause },
            ),
          );
        waiting.clear();
      };
      worker.on('error', ended);
      worker.once('exit', ended);
      return { worker, waiting };
    });
  }

  /** As a runner of one tree. */
  of(tree: string): RangeRunner {
    return {
      atOnce: this.#workers.length,
      check: (range, sizes) => this.#check(tree, range, sizes),
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map(({ worker }) => worker.terminate()));
  }

  #check(tree: string, range: LeafRange, sizes: readonly bigint[]): Promise<LeavesChecked> {
    const { worker, waiting } = this.#workers.reduce((least, one) =>
      one.waiting.size < least.waiting.size ? one : least,
    );
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      worker.postMessage({ id, tree, range, sizes } satisfies RangeRequest);
    });
  }
}
