/** A replica in a process of its own (replica-program.ts): what a spec does with it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fromBase64 } from '#core/octets';
import { Fault } from '#core/fault';
import type { TreeHead } from '#core/merkle';
import type { TokenSettings } from '#hsm';
import type { Step } from '#tree';
import type { FreshDatabase } from './kit.js';

export interface Opening {
  readonly database: Omit<FreshDatabase, 'drop'>;
  /** Directory of the socket to reach the database by; its own by default. */
  readonly host?: string;
  readonly directory: string;
  readonly hsm: {
    readonly tokens: Record<string, TokenSettings>;
    readonly runtimeDir: string;
    readonly journalDir: string;
  };
  readonly uri: string;
  readonly origin: string;
  /** The process ends at this step of the first batch after its start. */
  readonly killAt?: Step;
}

export type Question =
  | { readonly id: number; readonly ask: 'append'; readonly body: string }
  | { readonly id: number; readonly ask: 'state' }
  | { readonly ask: 'close' };

export interface ReplicaState {
  readonly size: string;
  readonly root: string | undefined;
  readonly quarantine: string | undefined;
}

interface Answer {
  readonly id: number;
  readonly state?: ReplicaState;
  readonly appended?: { readonly index: string; readonly size: string; readonly root: string };
  readonly fault?: {
    readonly kind: ConstructorParameters<typeof Fault>[0];
    readonly code: string;
    readonly message: string;
  };
  readonly defect?: string;
}

/** What was answered: a leaf, its place, and a head that covers it. */
export interface Acknowledged {
  readonly body: string;
  readonly index: bigint;
  readonly head: TreeHead;
}

export class SeparateReplica {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<
    number,
    { resolve: (answer: Answer) => void; reject: (error: Error) => void }
  >();
  readonly ended: Promise<void>;
  #nextId = 1;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.ended = once(child, 'exit').then(() => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the replica has ended'));
      this.#waiting.clear();
    });
    if (child.stdout !== null)
      createInterface({ input: child.stdout }).on('line', (line) => this.#hear(line));
    // It may have ended; then `ended` says so.
    child.stdin?.on('error', () => undefined);
  }

  /** @param environment beside ours: a disk that fails */
  static async open(opening: Opening, environment: Record<string, string> = {}): Promise<SeparateReplica> {
    const here = import.meta.dirname;
    const words = [
      '--conditions=airseal-source',
      '--import',
      join(here, 'from-sources.mjs'),
      join(here, 'replica-program.ts'),
    ];
    const child = spawn(process.execPath, words, {
      cwd: join(here, '../..'),
      env: { PATH: process.env['PATH'] ?? '', ...environment },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const replica = new SeparateReplica(child);
    const opened = replica.#expect(0);
    child.stdin?.write(`${JSON.stringify(opening)}\n`);
    await opened;
    return replica;
  }

  /** @throws {Fault} as the tree does; Error if the process ends before it answers */
  async append(body: string): Promise<Acknowledged> {
    const { appended } = await this.#ask({ id: this.#nextId++, ask: 'append', body });
    if (appended === undefined) throw new Error('no answer to an append');
    const head = { size: BigInt(appended.size), root: fromBase64(appended.root) };
    return { body, index: BigInt(appended.index), head };
  }

  async state(): Promise<ReplicaState> {
    const { state } = await this.#ask({ id: this.#nextId++, ask: 'state' });
    if (state === undefined) throw new Error('no answer about the state');
    return state;
  }

  async close(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null)
      this.#child.stdin?.write(`${JSON.stringify({ ask: 'close' })}\n`);
    await this.ended;
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
  }

  #ask(question: Question & { readonly id: number }): Promise<Answer> {
    const answer = this.#expect(question.id);
    this.#child.stdin?.write(`${JSON.stringify(question)}\n`);
    return answer;
  }

  #expect(id: number): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.#waiting.set(id, { resolve, reject });
    if (this.#child.exitCode !== null || this.#child.signalCode !== null)
      reject(new Error('the replica has ended'));
    return promise;
  }

  #hear(line: string): void {
    const answer = JSON.parse(line) as Answer;
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    const { fault, defect } = answer;
    if (fault !== undefined) waiting?.reject(new Fault(fault.kind, fault.code, fault.message));
    else if (defect !== undefined) waiting?.reject(new Error(defect));
    else waiting?.resolve(answer);
  }
}
