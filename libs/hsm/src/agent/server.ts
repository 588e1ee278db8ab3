/** Reads letters from the socket, hands them to whoever can answer, writes the answers back. */
import { randomBytes } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { verifySignature } from '#core/crypto';
import { Fault, isFault } from '#core/fault';
import { fromHex, toBase64 } from '#core/octets';
import { FRAME, FrameReader, FrameWriter, formatFaultBody, parseSignBody, type Frame } from '../frames.js';
import { headLetter, PROTOCOL, readLetter, usesLetter, type Calls, type Operation } from '../protocol.js';
import { trialMessage } from '../purpose.js';
import { CountUses, type Use } from './count-uses.js';
import { HostDisk } from './disk.js';
import { GivenOut } from './given-out.js';
import { destroyKey, generateKey, generatePassingKey } from './generate-key.js';
import { examine } from './examine.js';
import { inventory, keyLetter } from './inventory.js';
import type { Handle } from './library.js';
import type { Log } from './log.js';
import { permittedKey } from './permitted-key.js';
import type { AgentSettings } from './settings.js';
import { SignMessage } from './sign-message.js';
import { SigningMemory, type Announced } from './signing-memory.js';
import type { Token } from './token.js';
import { readTokenUses, writeTokenUses } from './token-uses.js';

/** One process that is connected. */
interface Peer {
  /** The trees that it has announced. */
  readonly announced: Announced;
  readonly given: GivenOut;
  /** Whether it said farewell. */
  gone: boolean;
}

type Answers = {
  readonly [Name in Operation]: (asks: Calls[Name]['asks'], peer: Peer) => Promise<Calls[Name]['answers']>;
};

const PROOF = Buffer.from(trialMessage('this key is in the token'));

const MAX_RANDOM = 4096;

/** Tokens wear out: their copy of the counts is refreshed seldom, and when the agent ends. */
const KEEP_COUNTS_MS = 3_600_000;

/** What is no call is the peer's mistake, not ours. */
function readCall(body: Buffer): { operation: Operation; asks: never } {
  let call: unknown;
  try {
    call = JSON.parse(body.toString('utf8'));
  } catch (cause) {
    throw new Fault('malformed', 'hsm/frame', 'a call to the agent is not JSON', { cause });
  }
  if (typeof call !== 'object' || call === null || !('operation' in call) || !('asks' in call)) {
    throw new Fault('malformed', 'hsm/frame', 'a call to the agent names no operation');
  }
  return call as { operation: Operation; asks: never };
}

export class AgentServer {
  readonly #settings: AgentSettings;
  readonly #token: Token;
  readonly #memory: SigningMemory;
  readonly #counts: CountUses;
  readonly #sign: SignMessage;
  readonly #log: Log;
  readonly #server: Server;
  readonly #peers = new Set<Socket>();
  readonly #passing = new Map<string, Handle>();
  readonly #answers: Answers;
  readonly #keeping: NodeJS.Timeout;
  #ending = false;

  constructor(settings: AgentSettings, token: Token, log: Log) {
    this.#settings = settings;
    this.#token = token;
    this.#memory = new SigningMemory(token, settings.journal, log);
    this.#counts = new CountUses({
      disk: new HostDisk(),
      directory: settings.journal,
      signedBefore: () => this.#memory.hasJournals(),
      now: () => new Date(),
      log,
    });
    this.#sign = new SignMessage(token, this.#memory, this.#counts);
    this.#log = log;
    this.#server = createServer((socket) => this.#welcome(socket));
    this.#answers = this.#makeAnswers();
    this.#keeping = setInterval(() => void this.#keepCounts(), KEEP_COUNTS_MS).unref();
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      // The socket is born closed to others; changing its mode afterwards would leave a gap.
      const mask = process.umask(0o177);
      this.#server.listen(this.#settings.socket, () => {
        process.umask(mask);
        resolve();
      });
    });
  }

  /** Resolves when no process has been here for as long as the agent lingers. */
  deserted(): Promise<void> {
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      const watch = (): void => {
        clearTimeout(timer);
        if (this.#peers.size === 0) timer = setTimeout(resolve, this.#settings.lingerMs);
      };
      this.#server.on('connection', (socket) => {
        watch();
        socket.once('close', () => setImmediate(watch));
      });
      watch();
    });
  }

  async close(): Promise<void> {
    this.#ending = true;
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      for (const peer of this.#peers) peer.destroy();
    });
    clearInterval(this.#keeping);
    await this.#memory.flush();
    await this.#keepCounts();
    await this.#token.close();
    // What was under way has come to its end with the token.
    await this.#counts.end().catch((error: unknown) => {
      this.#log('the exact counts of key uses could not be written; open blocks count as used', {
        error: String(error),
      });
    });
  }

  async #keepCounts(): Promise<void> {
    const kept = this.#counts.toKeep;
    if (kept === undefined) return;
    try {
      await this.#token.with((token) => writeTokenUses(token, kept));
    } catch (error) {
      this.#log('the token does not keep the counts of key uses; their file does', {
        error: error instanceof Error ? error.message : String(error),
      });
    }
  }

  #welcome(socket: Socket): void {
    const reader = new FrameReader();
    const writer = new FrameWriter((bytes) => {
      if (!socket.destroyed) socket.write(bytes);
    });
    const peer: Peer = { announced: new Set(), given: new GivenOut(() => performance.now()), gone: false };
    this.#peers.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#peers.delete(socket);
      // Without a farewell it died, and what it was given may stand nowhere.
      if (!peer.gone && !this.#ending) this.#counts.drifted(peer.given.unsure());
    });
    socket.on('data', (chunk) => {
      try {
        for (const frame of reader.read(chunk)) void this.#answer(frame, writer, peer);
      } catch (error) {
        this.#log('a peer was sent away', { error: String(error) });
        socket.destroy();
      }
    });
  }

  async #answer(frame: Frame, writer: FrameWriter, peer: Peer): Promise<void> {
    try {
      if (frame.kind === FRAME.sign || frame.kind === FRAME.signHead) {
        const request = {
          ...parseSignBody(frame.body),
          announced: frame.kind === FRAME.signHead ? peer.announced : undefined,
          given: (use: Use) => peer.given.note(use),
        };
        writer.send(frame.id, FRAME.signature, await this.#sign.execute(request));
      } else {
        const { operation, asks } = readCall(frame.body);
        const answer = Object.hasOwn(this.#answers, operation) ? this.#answers[operation] : undefined;
        if (answer === undefined)
          throw new Fault('malformed', 'hsm/frame', 'the agent does not know this request');
        writer.send(frame.id, FRAME.answer, Buffer.from(JSON.stringify(await answer(asks, peer))));
      }
    } catch (error) {
      writer.send(frame.id, FRAME.fault, formatFaultBody(this.#asFault(error)));
    }
  }

  #asFault(error: unknown): Fault {
    if (isFault(error)) {
      if (error.kind === 'corrupt' || error.kind === 'refused')
        this.#log(error.message, { code: error.code, ...error.detail });
      return error;
    }
    this.#log('defect', { error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    return new Fault(
      'unavailable',
      'hsm/agent-defect',
      "the token's agent failed; its log in the runtime directory says why",
    );
  }

  #makeAnswers(): Answers {
    const token = this.#token;
    return {
      hello: () =>
        Promise.resolve({ protocol: PROTOCOL, fingerprint: this.#settings.fingerprint, pid: process.pid }),
      status: () =>
        Promise.resolve({
          sessions: token.current === undefined ? 0 : token.current.sessions.size + 1,
          underWay: token.current?.sessions.underWay ?? 0,
          peers: this.#peers.size,
        }),
      token: () => token.with((open) => open.info),
      key: ({ uri, backup }) =>
        token.with((open) => {
          const { key, report } = permittedKey(open, uri, backup);
          return keyLetter(key, report);
        }),
      generate: (asks) =>
        token.with(async (open) => {
          const wish = { ...asks, id: fromHex(asks.id), lasting: true };
          const { key, report } = await generateKey(open, this.#sign, wish);
          this.#log('key generated', { uri: key.uri, algorithm: key.facts.algorithm });
          return keyLetter(key, report);
        }),
      adopt: ({ uri, backup }) =>
        token.with(async (open) => {
          const { key, report } = permittedKey(open, uri, backup);
          verifySignature(
            key.publicKey,
            PROOF,
            await this.#sign.execute({ uri, purpose: 'trial', message: PROOF }),
          );
          return keyLetter(key, report);
        }),
      destroy: ({ uri, label }) =>
        token.with((open) => {
          const destroyed = destroyKey(open, uri, label);
          this.#sign.forget(uri);
          this.#log('key destroyed', { uri, objects: destroyed });
          return { destroyed };
        }),
      announce: ({ uri, digest, origin, ...head }, { announced }) =>
        token.with(async (open) => {
          const key = this.#sign.find(open, uri, fromHex(digest));
          const known = await this.#memory.announce(open, key, { origin, ...readLetter(head) }, announced);
          return {
            open: known.open,
            ...(known.journal === undefined ? {} : { journal: headLetter(known.journal) }),
            ...(known.token === undefined ? {} : { token: headLetter(known.token) }),
          };
        }),
      adoptHead: ({ uri, digest, origin, ...head }) =>
        token.with(async (open) => {
          const key = this.#sign.find(open, uri, fromHex(digest));
          await this.#memory.adopt(open, key, { origin, ...readLetter(head) });
          return {};
        }),
      bye: (_asks, peer) => {
        peer.gone = true;
        return Promise.resolve({});
      },
      adrift: ({ uri, digest, purpose }) =>
        token.with((open) => {
          this.#counts.abandoned(this.#sign.find(open, uri, fromHex(digest)), purpose);
          return {};
        }),
      uses: () =>
        token.with(async (open) => {
          await this.#counts.open(() => readTokenUses(open));
          return usesLetter(this.#counts.report());
        }),
      inventory: () => token.with((open) => inventory(open)),
      random: ({ length }) =>
        token.with((open) => {
          // The library draws on this very thread: a large wish would keep every signature waiting.
          if (!Number.isInteger(length) || length < 1 || length > MAX_RANDOM) {
            throw new Fault(
              'malformed',
              'hsm/frame',
              `the agent draws 1 to ${MAX_RANDOM} random octets at a time`,
            );
          }
          const octets = open.library.C_GenerateRandom(open.desk, Buffer.alloc(length));
          return { octets: octets.toString('base64') };
        }),
      passing: ({ algorithm }) =>
        token.with(async (open) => {
          const session = open.openSession(true);
          const [label, id] = [`airseal-passing-${randomBytes(4).toString('hex')}`, randomBytes(16)];
          const key = await generatePassingKey(open, session, { label, id, algorithm });
          this.#sign.admit(open, key);
          this.#passing.set(key.uri, session);
          return { uri: key.uri, spki: toBase64(key.publicKey.spki) };
        }),
      forget: ({ uri }) =>
        token.with((open) => {
          this.#sign.forget(uri);
          const session = this.#passing.get(uri);
          if (session !== undefined) open.library.C_CloseSession(session);
          this.#passing.delete(uri);
          return {};
        }),
      examine: () => token.with((open) => examine(open, this.#sign)),
    };
  }
}
