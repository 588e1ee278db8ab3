/**
 * One process's line to the agent of a token.
 *
 * Connects with the first request and starts the agent if there is none. When the line breaks, every
 * request that was under way is rejected as `unavailable` (nobody knows whether it was carried out, so
 * nobody here repeats it) and the line is laid again at once, so that the next request finds it ready.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault } from '#core/fault';
import { LOCK_HELD, startAgent, type AgentPlace } from './agent-process.js';
import {
  FRAME,
  FrameReader,
  FrameWriter,
  formatSignBody,
  parseFaultBody,
  type Frame,
  type FrameKind,
} from './frames.js';
import type { Calls, Operation } from './protocol.js';
import type { Purpose } from './purpose.js';

/** How long a request waits for an agent to be there. */
const CONNECT_MS = 10_000;
/** Longer than an agent lingers that nobody uses any more. */
const OTHER_LEAVES_MS = 3300;
const MOST_FAILED_STARTS = 3;
const FAREWELL_MS = 500;
/** An agent that has said nothing for this long, though it was asked, is stuck inside its library. */
const SILENT_MS = 30_000;

interface Pending {
  readonly resolve: (frame: Frame) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/** `digest` is the SHA-256 of the public half: the agent signs with that key or not at all. */
export interface SigningKey {
  readonly uri: string;
  readonly digest: Uint8Array;
}

interface Line {
  readonly socket: Socket;
  readonly writer: FrameWriter;
  readonly pending: Map<number, Pending>;
  /** Process of the agent, once it has greeted. */
  agent: number | undefined;
  heardAt: number;
}

export interface LinkEvents {
  lost(facts: { readonly token: string; readonly underWay: number }): void;
  connected(facts: { readonly token: string; readonly agent: number; readonly afterMs: number }): void;
}

export class AgentLink {
  readonly #place: AgentPlace;
  readonly #events: LinkEvents;
  /** The line that is being laid or stands. */
  #line: Promise<Line> | undefined;
  /** The line that stands; a line of an earlier attempt may still be breaking. */
  #standing: Line | undefined;
  #closed = false;
  #nextId = 1;

  constructor(place: AgentPlace, events: LinkEvents) {
    this.#place = place;
    this.#events = events;
  }

  async call<Name extends Operation>(
    operation: Name,
    asks: Calls[Name]['asks'],
    deadlineMs: number,
  ): Promise<Calls[Name]['answers']> {
    const line = await this.#connected();
    const body = Buffer.from(JSON.stringify({ operation, asks }));
    const frame = await this.#request(line, FRAME.call, body, deadlineMs);
    return JSON.parse(frame.body.toString('utf8')) as Calls[Name]['answers'];
  }

  async sign(
    key: SigningKey,
    purpose: Purpose,
    message: Uint8Array,
    deadlineMs: number,
    kind: typeof FRAME.sign | typeof FRAME.signHead = FRAME.sign,
  ): Promise<Uint8Array> {
    const line = await this.#connected();
    const frame = await this.#request(
      line,
      kind,
      formatSignBody(key.uri, key.digest, purpose, message),
      deadlineMs,
    );
    return new Uint8Array(frame.body);
  }

  /** Whether a line stands now; asking never starts an agent. */
  get standing(): boolean {
    return this.#standing !== undefined;
  }

  async close(): Promise<void> {
    this.#closed = true;
    const line = await this.#line?.catch(() => undefined);
    if (line === undefined || line.socket.destroyed) return;
    // Who leaves without a word is taken for dead, and what it was given for adrift.
    const farewell = Buffer.from(JSON.stringify({ operation: 'bye', asks: {} }));
    await this.#request(line, FRAME.call, farewell, FAREWELL_MS).catch(() => undefined);
    if (line.socket.destroyed) return;
    line.socket.destroy();
    await once(line.socket, 'close');
  }

  #request(line: Line, kind: FrameKind, body: Uint8Array, deadlineMs: number): Promise<Frame> {
    const id = this.#nextId;
    this.#nextId = (this.#nextId % 0xffffffff) + 1;
    return new Promise((resolve, reject) => {
      if (line.socket.destroyed) {
        reject(lost());
        return;
      }
      const timer = setTimeout(() => {
        line.pending.delete(id);
        if (line.pending.size === 0) line.socket.unref();
        endIfStuck(line);
        reject(
          new Fault(
            'unavailable',
            'hsm/deadline',
            'the token did not answer in time; check its health with `airseal hsm doctor`',
            {
              detail: { ckr: 'deadline' },
              retryAfterSeconds: 5,
            },
          ),
        );
      }, deadlineMs);
      if (line.pending.size === 0) line.heardAt = Date.now();
      // Only a process that waits for an answer is kept alive by the line.
      line.socket.ref();
      line.pending.set(id, { resolve, reject, timer });
      line.writer.send(id, kind, body);
    });
  }

  #connected(): Promise<Line> {
    if (this.#closed)
      return Promise.reject(
        new Fault('unavailable', 'hsm/closed', 'the connection to the token has been closed'),
      );
    if (this.#line === undefined) {
      const line = this.#connect();
      this.#line = line;
      line.catch(() => {
        if (this.#line === line) this.#line = undefined;
      });
    }
    return this.#line;
  }

  async #connect(): Promise<Line> {
    const begun = Date.now();
    let starting: ChildProcess | undefined;
    let failedStarts = 0;
    let otherSettings = false;
    for (let wait = 3; Date.now() - begun < CONNECT_MS && !this.#closed; wait = Math.min(wait * 1.1, 100)) {
      const socket = await dial(this.#place.socket);
      if (socket !== undefined) {
        const line = this.#attend(socket);
        const agent = await this.#greet(line);
        if (agent !== undefined) {
          this.#events.connected({ token: this.#place.name, agent, afterMs: Date.now() - begun });
          this.#standing = line;
          return line;
        }
        // An agent of an earlier build or of other settings: it leaves by itself when its own have left.
        otherSettings = true;
        socket.destroy();
        // Asking more often would be company for it, and keep it here.
        await sleep(OTHER_LEAVES_MS);
      } else if (starting === undefined) {
        starting = launch(this.#place);
      } else if (starting.exitCode !== null || starting.signalCode !== null) {
        if (starting.exitCode !== LOCK_HELD && ++failedStarts >= MOST_FAILED_STARTS) break;
        starting = undefined;
      }
      await sleep(wait);
    }
    throw this.#cannotConnect(otherSettings);
  }

  #cannotConnect(otherSettings: boolean): Fault {
    if (otherSettings) {
      return new Fault(
        'unavailable',
        'hsm/agent-differs',
        `the agent of token ${this.#place.name} was started with other settings or by another version; end the programs that use it, then retry`,
      );
    }
    return new Fault(
      'unavailable',
      'hsm/agent-start',
      `the agent of token ${this.#place.name} does not start; ${this.#place.log} says why`,
      {
        detail: { ckr: 'agent' },
        retryAfterSeconds: 5,
      },
    );
  }

  async #greet(line: Line): Promise<number | undefined> {
    try {
      const body = Buffer.from(JSON.stringify({ operation: 'hello', asks: {} }));
      const frame = await this.#request(line, FRAME.call, body, CONNECT_MS);
      const { fingerprint, pid } = JSON.parse(frame.body.toString('utf8')) as Calls['hello']['answers'];
      line.agent = pid;
      return fingerprint === this.#place.fingerprint ? pid : undefined;
    } catch {
      return undefined;
    }
  }

  #attend(socket: Socket): Line {
    const reader = new FrameReader();
    const pending = new Map<number, Pending>();
    const writer = new FrameWriter((bytes) => void socket.write(bytes));
    const line: Line = { socket, pending, writer, agent: undefined, heardAt: Date.now() };
    socket.on('data', (chunk) => {
      line.heardAt = Date.now();
      try {
        for (const frame of reader.read(chunk)) receive(line, frame);
      } catch {
        socket.destroy();
      }
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#broken(line));
    return line;
  }

  #broken(line: Line): void {
    for (const { reject, timer } of line.pending.values()) {
      clearTimeout(timer);
      reject(lost());
    }
    const underWay = line.pending.size;
    line.pending.clear();
    if (this.#standing !== line) return;
    this.#standing = undefined;
    this.#line = undefined;
    if (this.#closed) return;
    this.#events.lost({ token: this.#place.name, underWay });
    this.#connected().catch(() => undefined);
  }
}

function lost(): Fault {
  return new Fault(
    'unavailable',
    'hsm/agent-lost',
    "the token's agent ended while the request was under way; retry",
    {
      detail: { ckr: 'agent' },
      retryAfterSeconds: 1,
    },
  );
}

/** The agent's thread waits in a call that does not return: only its end can free the token. */
function endIfStuck(line: Line): void {
  if (line.agent === undefined || Date.now() - line.heardAt < SILENT_MS) return;
  try {
    process.kill(line.agent, 'SIGKILL');
  } catch {
    // It has just ended by itself.
  }
}

function receive(line: Line, frame: Frame): void {
  const waiting = line.pending.get(frame.id);
  if (waiting === undefined) return;
  line.pending.delete(frame.id);
  clearTimeout(waiting.timer);
  if (line.pending.size === 0) line.socket.unref();
  if (frame.kind !== FRAME.fault) return waiting.resolve(frame);
  try {
    waiting.reject(parseFaultBody(frame.body));
  } catch (error) {
    // Nobody waits for it in the line any more: whoever asked must hear that the answer cannot be read.
    waiting.reject(error instanceof Error ? error : lost());
    throw error;
  }
}

async function dial(path: string): Promise<Socket | undefined> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return socket;
  } catch {
    return undefined;
  }
}

function launch(place: AgentPlace): ChildProcess {
  const child = startAgent(place);
  child.unref();
  // Told by its exit code, or by nothing ever answering.
  child.on('error', () => undefined);
  return child;
}
