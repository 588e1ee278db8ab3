/**
 * The file that remembers how often keys were used.
 *
 *   airseal key uses 1 <TAB> counter <TAB> host <TAB> since
 *   time <TAB> uses <TAB> key <TAB> purpose <TAB> label <TAB> since <TAB> counted <TAB> limit <TAB>
 *      uncertain <TAB> failed <TAB> adrift <TAB> check
 *   time <TAB> break <TAB> reason <TAB> check
 *
 * The newest line of a key and purpose holds. It says: `counted` uses had been asked for when it was written, and up to
 * `limit` may follow before there is another line. `check` is half of the SHA-256 of the check before it and of the
 * line, so no line can be changed, left out or moved. The last line may be torn by a crash: it was never durable, so no
 * use relies on it. Any other line that does not read back is damage.
 *
 * After a failed write what the disk holds is unknown. Everything is then written anew, into another file.
 */
import { sha256 } from '#core/crypto';
import { Fault } from '#core/fault';
import { fromUtf8, toHex } from '#core/octets';
import { isPurpose, type Purpose } from '../purpose.js';
import type { Disk } from './disk.js';

const TITLE = 'airseal key uses 1';
/** Then everything is written anew, one line for each key and purpose. */
const LARGEST_BYTES = 1024 * 1024;

/** What a line says of a key and a purpose. */
export interface CountLine {
  /** SHA-256 of the public key, hexadecimal. */
  readonly key: string;
  readonly purpose: Purpose;
  readonly label: string;
  readonly since: string;
  readonly counted: number;
  readonly limit: number;
  readonly uncertain: number;
  readonly failed: number;
  readonly adrift: number;
}

export interface BreakLine {
  readonly at: string;
  readonly reason: string;
}

export interface Counter {
  readonly id: string;
  readonly host: string;
  readonly since: string;
}

export interface CountsRecord {
  readonly counter: Counter;
  readonly lines: readonly CountLine[];
  readonly breaks: readonly BreakLine[];
}

export function pairOf({ key, purpose }: Pick<CountLine, 'key' | 'purpose'>): string {
  return `${key} ${purpose}`;
}

function checkOf(before: string, text: string): string {
  return toHex(sha256(fromUtf8(`${before}\n${text}`))).slice(0, 32);
}

function titleOf({ id, host, since }: Counter): string {
  return [TITLE, id, encodeURIComponent(host), since].join('\t');
}

function countText(time: string, line: CountLine): string {
  const { key, purpose, label, since, counted, limit, uncertain, failed, adrift } = line;
  return [
    time,
    'uses',
    key,
    purpose,
    encodeURIComponent(label),
    since,
    counted,
    limit,
    uncertain,
    failed,
    adrift,
  ].join('\t');
}

function breakText({ at, reason }: BreakLine): string {
  return [at, 'break', encodeURIComponent(reason)].join('\t');
}

function damaged(path: string, what: string): Fault {
  return new Fault(
    'corrupt',
    'hsm/counts-damaged',
    `the counts of key uses in ${path} are damaged (${what}); nothing is signed over damage; keep the file, find out what happened to its volume, then see docs/operating.md`,
  );
}

const NUMBER = /^[0-9]{1,15}$/;
const KEY = /^[0-9a-f]{64}$/;

function parseText(text: string): CountLine | BreakLine | undefined {
  const [time, kind, ...rest] = text.split('\t');
  if (time === undefined) return undefined;
  if (kind === 'break') {
    const [reason, end] = rest;
    return reason === undefined || end !== undefined
      ? undefined
      : { at: time, reason: decodeURIComponent(reason) };
  }
  const [key = '', purpose = '', label, since, ...numbers] = rest;
  const wellFormed =
    kind === 'uses' &&
    KEY.test(key) &&
    numbers.length === 5 &&
    numbers.every((number) => NUMBER.test(number));
  if (!wellFormed || !isPurpose(purpose) || label === undefined || since === undefined) return undefined;
  const [counted = 0, limit = 0, uncertain = 0, failed = 0, adrift = 0] = numbers.map(Number);
  return { key, purpose, label: decodeURIComponent(label), since, counted, limit, uncertain, failed, adrift };
}

/** @throws {Fault} hsm/counts-damaged */
function parse(path: string, content: Buffer): { record: CountsRecord; end: number; check: string } {
  const end = content.lastIndexOf(0x0a) + 1;
  const [title = '', ...lines] = content.toString('utf8', 0, end).split('\n');
  lines.pop();
  const [name, id, host, since, ...more] = title.split('\t');
  if (name !== TITLE || id === undefined || host === undefined || since === undefined || more.length > 0)
    throw damaged(path, 'line 1 is not its title');
  const newest = new Map<string, CountLine>();
  const breaks: BreakLine[] = [];
  let check = checkOf('', title);
  for (const [at, line] of lines.entries()) {
    const cut = line.lastIndexOf('\t');
    const text = line.slice(0, cut);
    check = checkOf(check, text);
    const parsed = line.slice(cut + 1) === check ? parseText(text) : undefined;
    if (parsed === undefined) throw damaged(path, `line ${at + 2} does not read back`);
    if ('reason' in parsed) breaks.push(parsed);
    else newest.set(pairOf(parsed), parsed);
  }
  const counter = { id, host: decodeURIComponent(host), since };
  return { record: { counter, lines: [...newest.values()], breaks }, end, check };
}

export class UsesFile {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #counter: Counter;
  /** Octets that are known to be durable; `undefined` while what the disk holds is unknown. */
  #durable: number | undefined;
  #check: string;

  private constructor(
    disk: Disk,
    path: string,
    counter: Counter,
    durable: number | undefined,
    check: string,
  ) {
    this.#disk = disk;
    this.#path = path;
    this.#counter = counter;
    this.#durable = durable;
    this.#check = check;
  }

  /**
   * What stands there, if anything does. What follows is written into a new file: complete lines may be unsynced ones
   * of a writer that died.
   *
   * @throws {Fault} hsm/counts-damaged
   */
  static async open(
    disk: Disk,
    path: string,
  ): Promise<{ readonly file: UsesFile; readonly record: CountsRecord } | undefined> {
    const content = await disk.read(path);
    if (content === undefined) return undefined;
    const { record, check } = parse(path, content);
    return { file: new UsesFile(disk, path, record.counter, undefined, check), record };
  }

  /** A file that does not stand there yet. */
  static begin(disk: Disk, path: string, counter: Counter): UsesFile {
    return new UsesFile(disk, path, counter, undefined, '');
  }

  /**
   * Resolves when `lines` are durable.
   *
   * @param everything that must stand in a new file, with what `lines` say
   * @throws {Fault} hsm/counts-write
   */
  async append(
    lines: readonly CountLine[],
    everything: () => { readonly lines: readonly CountLine[]; readonly breaks: readonly BreakLine[] },
    time: string,
  ): Promise<void> {
    const durable = this.#durable;
    this.#durable = undefined;
    try {
      if (durable === undefined || durable > LARGEST_BYTES) {
        const { lines: all, breaks } = everything();
        const title = titleOf(this.#counter);
        this.#check = checkOf('', title);
        const texts = [...breaks.map(breakText), ...all.map((line) => countText(time, line))];
        const content = Buffer.from(`${title}\n${this.#chained(texts)}`);
        await this.#disk.replace(this.#path, content);
        this.#durable = content.length;
      } else {
        const bytes = Buffer.from(this.#chained(lines.map((line) => countText(time, line))));
        await this.#disk.writeAt(this.#path, durable, bytes);
        this.#durable = durable + bytes.length;
      }
    } catch (cause) {
      throw new Fault(
        'unavailable',
        'hsm/counts-write',
        `the counts of key uses in ${this.#path} cannot be written, so nothing more is signed; make room on its volume, or replace it`,
        { cause, detail: { ckr: 'counts' }, retryAfterSeconds: 5 },
      );
    }
  }

  async close(): Promise<void> {
    await this.#disk.close(this.#path);
  }

  #chained(texts: readonly string[]): string {
    return texts
      .map((text) => {
        this.#check = checkOf(this.#check, text);
        return `${text}\t${this.#check}\n`;
      })
      .join('');
  }
}
