/**
 * What happened, in order, so that it cannot be rewritten unseen.
 *
 * JSON Lines; each line is the canonical JSON (RFC 8785) of an entry, whose `prev` is the SHA-256 of the line
 * before it. A line is durable, file and directory, before `append` returns: the engine writes what it is
 * going to do, and only then does it, so that a crash can leave at most an announced effect behind. The same
 * lines are the leaves of a Merkle tree whose head is signed at the end, so that single lines can be shown
 * without the rest.
 *
 * Never here: PINs, shares, secrets. Nothing of the kind reaches this process.
 */
import { open, readFile, rename, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { sha256 } from '#core/crypto';
import { Fault } from '#core/fault';
import { canonicalJson, parseJson, type JsonObject } from '#core/json';
import { Edge, leafHash, type TreeHead } from '#core/merkle';
import { concat, equalOctets, fromUtf8, toHex } from '#core/octets';
import type { Clock } from '#platform';
import { instantText } from '#trust-root';

/**
 * `opened`, `resumed` and `closed` frame a run; `intent` announces an effect and `effect` tells what came of it;
 * `observation` is the result of a step that changes nothing; `exception` is a step that failed.
 */
const EntryType = z.enum(['opened', 'resumed', 'intent', 'effect', 'observation', 'exception', 'closed']);
export type EntryType = z.infer<typeof EntryType>;

const Entry = z.strictObject({
  seq: z.int().min(0),
  prev: z.string(),
  /** Which start of the engine wrote this: a new one after each interruption. */
  boot: z.string(),
  wall: z.string(),
  type: EntryType,
  step: z.string(),
  body: z.record(z.string(), z.unknown()),
});
export interface Entry extends Omit<z.infer<typeof Entry>, 'body'> {
  readonly body: JsonObject;
}

const NEWLINE = fromUtf8('\n');
/** `prev` of the first entry. */
const GENESIS = '0'.repeat(64);

export class Transcript {
  readonly entries: Entry[] = [];
  readonly #file: FileHandle;
  readonly #clock: Clock;
  readonly #boot: string;
  readonly #edge = new Edge();
  #head = GENESIS;
  #size = 0;

  private constructor(file: FileHandle, clock: Clock, boot: string) {
    this.#file = file;
    this.#clock = clock;
    this.#boot = boot;
  }

  /**
   * Opens the transcript at `path`, new or old. A torn last line, which a crash leaves, is moved to a file of
   * its own beside it; anything else that does not follow from the line before is refused.
   *
   * @throws {Fault} ceremony/transcript
   */
  static async open(path: string, clock: Clock, boot: string): Promise<Transcript> {
    const bytes = await readIfThere(path);
    const whole = bytes.subarray(0, bytes.lastIndexOf(0x0a) + 1);
    if (whole.length < bytes.length) await setAside(path, bytes.subarray(whole.length), whole);
    const transcript = new Transcript(await open(path, 'a', 0o600), clock, boot);
    try {
      transcript.#acceptAll(whole);
    } catch (error) {
      await transcript.close();
      throw error;
    }
    return transcript;
  }

  #acceptAll(whole: Uint8Array): void {
    for (let at = 0; at < whole.length;) {
      const end = whole.indexOf(0x0a, at);
      this.#accept(whole.subarray(at, end));
      at = end + 1;
    }
  }

  /** SHA-256 of the newest line, hex. */
  get head(): string {
    return this.#head;
  }

  get treeHead(): TreeHead {
    return this.#edge.head();
  }

  /** Resolves once the line is durable. */
  async append(type: EntryType, step: string, body: JsonObject): Promise<Entry> {
    const { size } = await this.#file.stat();
    if (size !== this.#size) {
      throw new Fault(
        'conflict',
        'ceremony/transcript',
        'something else writes this transcript: stop it, then run again',
      );
    }
    const entry = {
      seq: this.entries.length,
      prev: this.#head,
      boot: this.#boot,
      wall: instantText(this.#clock.nowMs()),
      type,
      step,
      body,
    };
    const line = canonicalJson(entry);
    await this.#file.appendFile(concat(line, NEWLINE));
    await this.#file.sync();
    this.#add(entry, line);
    return entry;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  #accept(line: Uint8Array): void {
    const entry = Entry.safeParse(parseJson(line));
    const follows =
      entry.success &&
      entry.data.seq === this.entries.length &&
      entry.data.prev === this.#head &&
      equalOctets(canonicalJson(entry.data as unknown as JsonObject), line);
    if (!follows) {
      throw new Fault(
        'corrupt',
        'ceremony/transcript',
        `line ${this.entries.length + 1} of the transcript does not follow from the one before it: it was changed`,
      );
    }
    this.#add(entry.data as Entry, line);
  }

  #add(entry: Entry, line: Uint8Array): void {
    this.entries.push(entry);
    this.#edge.append(leafHash(line));
    this.#head = toHex(sha256(line));
    this.#size += line.length + 1;
  }
}

async function readIfThere(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    // The directory entry must survive a power cut as well, or the intent in the file does not.
    await (await open(path, 'wx', 0o600)).close();
    const directory = await open(dirname(path), 'r');
    await directory.sync();
    await directory.close();
    return Buffer.alloc(0);
  }
}

/** The fragment is evidence too, so it is kept; the transcript goes on after the last whole line. */
async function setAside(path: string, fragment: Uint8Array, whole: Uint8Array): Promise<void> {
  const write = async (to: string, bytes: Uint8Array) => {
    const file = await open(to, 'w', 0o600);
    await file.writeFile(bytes);
    await file.sync();
    await file.close();
  };
  await write(`${path}.torn-${toHex(sha256(fragment)).slice(0, 16)}`, fragment);
  await write(`${path}.whole`, whole);
  await rename(`${path}.whole`, path);
}
