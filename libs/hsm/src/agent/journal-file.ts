/**
 * The signing journal of one tree: one line for each head, durable before the head is signed.
 *
 *   airseal signing journal 1 <TAB> key digest <TAB> origin
 *   time <TAB> size <TAB> root <TAB> first half of the SHA-256 of the line up to here
 *
 * A crash can leave the last line incomplete: it was never synced, so nothing was signed for it. It is put
 * aside and cut off. Any other line that does not read back is damage, and nothing is signed over damage.
 *
 * What a failed write or sync left behind is unknown. Its head counts as written, and the next line is written
 * over it from the last length that is known to be durable, which writes every page anew that failed. Who opens the
 * journal later writes its newest line again: pages that failed are never trusted.
 */
import { link, mkdir, open, readFile, rename, rm, writeFile, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sha256 } from '#core/crypto';
import { Fault } from '#core/fault';
import { equalOctets, fromBase64, fromUtf8, toBase64, toHex } from '#core/octets';
import type { Head } from '../heads.js';

const TITLE = 'airseal signing journal 1';
/** Then a new file is begun with the newest line; one older file is kept. */
const LARGEST_BYTES = 4 * 1024 * 1024;

export interface JournalName {
  readonly directory: string;
  /** SHA-256 of the public key. */
  readonly key: Uint8Array;
  readonly origin: string;
}

/** The directory that holds the journals of all trees that one key signs. */
export function journalsOf(directory: string, key: Uint8Array): string {
  return join(directory, toHex(key).slice(0, 32));
}

function pathOf({ directory, key, origin }: JournalName): string {
  return join(journalsOf(directory, key), `${toHex(sha256(fromUtf8(origin))).slice(0, 32)}.journal`);
}

function damaged(path: string, what: string): Fault {
  return new Fault(
    'corrupt',
    'hsm/journal-damaged',
    `the signing journal ${path} is damaged (${what}); nothing is signed for this log; keep the file, find out what happened to its volume, then see docs/operating.md`,
  );
}

function check(text: string): string {
  return toHex(sha256(fromUtf8(text))).slice(0, 32);
}

function formatLine(time: string, { size, root }: Head): string {
  const text = `${time}\t${size}\t${toBase64(root)}`;
  return `${text}\t${check(text)}\n`;
}

interface Line {
  readonly head: Head;
  readonly timeMs: number;
}

function parseLine(line: string): Line | undefined {
  const at = line.lastIndexOf('\t');
  const [text, sum] = [line.slice(0, at), line.slice(at + 1)];
  const [time, size, root, ...rest] = text.split('\t');
  if (
    sum !== check(text) ||
    time === undefined ||
    size === undefined ||
    root === undefined ||
    rest.length > 0
  )
    return undefined;
  return { head: { size: BigInt(size), root: fromBase64(root) }, timeMs: Date.parse(time) };
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function hasCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}

export class JournalFile {
  readonly #name: JournalName;
  readonly #path: string;
  #file: FileHandle;
  #durable: number;
  #failed = false;
  #last: Head;
  #lastMs: number;

  private constructor(name: JournalName, path: string, file: FileHandle, durable: number, last: Line) {
    this.#name = name;
    this.#path = path;
    this.#file = file;
    this.#durable = durable;
    this.#last = last.head;
    this.#lastMs = last.timeMs;
  }

  /** The newest head that may have been signed. */
  get last(): Head {
    return this.#last;
  }

  /** The journal as it stands; `undefined` if there is none. @throws {Fault} hsm/journal-damaged */
  static async open(name: JournalName, now: () => Date): Promise<JournalFile | undefined> {
    const path = pathOf(name);
    let content: Buffer;
    try {
      content = await readFile(path);
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined;
      throw error;
    }
    const end = content.lastIndexOf(0x0a) + 1;
    const last = readLines(path, name, content.toString('utf8', 0, end));
    const file = await open(path, 'r+');
    try {
      if (end < content.length) {
        const aside = `${path}.torn-${now().toISOString().replaceAll(':', '')}`;
        await writeFile(aside, content.subarray(end), { flag: 'w', mode: 0o600 });
        await file.truncate(end);
      }
      // A complete line may still not be durable: its writer may have died before its sync, or after one that failed.
      // Then its pages look clean, and no sync writes them; so the line is written again, where it stands.
      const newest = content.lastIndexOf(0x0a, end - 2) + 1;
      await writeAll(file, content.subarray(newest, end), newest);
      await file.datasync();
      await syncDirectory(dirname(path));
    } catch (error) {
      await file.close();
      throw error;
    }
    return new JournalFile(name, path, file, end, last);
  }

  /** Begins a journal at `head`. Rejects if there is one. */
  static async create(name: JournalName, head: Head, now: () => Date): Promise<JournalFile> {
    const path = pathOf(name);
    const parent = dirname(path);
    const first = await mkdir(parent, { recursive: true, mode: 0o700 });
    for (let made = parent; first !== undefined && made.length >= first.length; made = dirname(made)) {
      await syncDirectory(dirname(made));
    }
    const begun = now();
    const content = begin(name, formatLine(begun.toISOString(), head));
    const aside = await writeAside(path, content);
    try {
      await link(aside, path);
    } finally {
      await rm(aside);
    }
    await syncDirectory(parent);
    const line = { head, timeMs: begun.getTime() };
    return new JournalFile(name, path, await open(path, 'r+'), content.length, line);
  }

  /** Resolves when a line for `head` is durable; no line is earlier than the one before it. */
  async append(head: Head, now: () => Date): Promise<void> {
    this.#lastMs = Math.max(this.#lastMs, now().getTime());
    const line = Buffer.from(formatLine(new Date(this.#lastMs).toISOString(), head));
    // From here on it may be on the disk, whatever happens.
    this.#last = head;
    try {
      if (this.#durable + line.length > LARGEST_BYTES) {
        await this.#turnOver(line);
        return;
      }
      if (this.#failed) await this.#file.truncate(this.#durable);
      this.#failed = true;
      await writeAll(this.#file, line, this.#durable);
      await this.#file.datasync();
      this.#durable += line.length;
      this.#failed = false;
    } catch (cause) {
      throw new Fault(
        'unavailable',
        'hsm/journal-write',
        `the signing journal ${this.#path} cannot be written, so nothing was signed; make room on its volume, or replace it`,
        { cause, detail: { ckr: 'journal' }, retryAfterSeconds: 5 },
      );
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #turnOver(line: Buffer): Promise<void> {
    const content = begin(this.#name, line.toString());
    const aside = await writeAside(this.#path, content);
    await rm(`${this.#path}.old`, { force: true });
    await link(this.#path, `${this.#path}.old`);
    await rename(aside, this.#path);
    await syncDirectory(dirname(this.#path));
    const old = this.#file;
    this.#file = await open(this.#path, 'r+');
    this.#durable = content.length;
    this.#failed = false;
    await old.close();
  }
}

function begin({ key, origin }: JournalName, line: string): Buffer {
  return Buffer.from(`${TITLE}\t${toHex(key)}\t${origin}\n${line}`);
}

function readLines(path: string, { key, origin }: JournalName, text: string): Line {
  const [title, ...lines] = text.split('\n');
  lines.pop();
  if (title !== `${TITLE}\t${toHex(key)}\t${origin}`) throw damaged(path, 'line 1 is of another log');
  let last: Line | undefined;
  for (const [at, text] of lines.entries()) {
    const line = parseLine(text);
    if (line === undefined) throw damaged(path, `line ${at + 2} does not read back`);
    if (last !== undefined && contradicts(last.head, line.head))
      throw damaged(path, `line ${at + 2} does not continue the one before it`);
    last = line;
  }
  if (last === undefined) throw damaged(path, 'it holds no head');
  return last;
}

/**
 * The newest head of a journal, read without touching the file: for whoever checks it while an agent may be writing.
 *
 * @throws {Fault} hsm/journal-damaged
 */
export async function readJournalHead(name: JournalName): Promise<Head | undefined> {
  const path = pathOf(name);
  try {
    const content = await readFile(path);
    return readLines(path, name, content.toString('utf8', 0, content.lastIndexOf(0x0a) + 1)).head;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Whether `next` is smaller than `last`, or another tree of the same size. */
export function contradicts(last: Head, next: Head): boolean {
  return next.size < last.size || (next.size === last.size && !equalOctets(next.root, last.root));
}

async function writeAside(path: string, content: Buffer): Promise<string> {
  const aside = `${path}.new`;
  const file = await open(aside, 'w', 0o600);
  try {
    await writeAll(file, content, 0);
    await file.sync();
  } finally {
    await file.close();
  }
  return aside;
}

async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}
