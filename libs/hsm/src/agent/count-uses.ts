/**
 * How often each key of this token was used, and what for.
 *
 *   1. reserve  a line that allows `BLOCK` more uses of a key for a purpose is durable
 *   2. count    each use takes one of them, in memory, before the token is asked
 *   3. sign
 *
 * So whatever dies in between, the file never says less than what was asked of the token, and at most a block more for
 * each key and purpose. What was open when an agent died is counted as used and remembered as uncertain. An agent that
 * ends in order writes the exact figures. The next block is reserved while half of the last one is left, so that no
 * signature waits for the disk.
 *
 * An attempt counts, whether a signature came of it or not: a token whose answer was lost may have signed. Attempts
 * that gave none are counted apart as well.
 *
 * The token keeps a copy, refreshed seldom: a file that was taken back or lost is noticed by it. Then the counts never
 * decrease, the break stays in the record, and signing goes on, since a wrong count forks nothing.
 */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Fault } from '#core/fault';
import { toHex } from '#core/octets';
import { isPurpose, type Purpose } from '../purpose.js';
import type { UsesReport } from '../uses.js';
import type { Disk } from './disk.js';
import type { TokenKey } from './key.js';
import type { Log } from './log.js';
import { type BreakLine, type CountLine, type Counter, pairOf, UsesFile } from './uses-file.js';

export const BLOCK = 256;
/** A block is asked for when no more than this is left of the last one. */
const LOW = BLOCK / 2;
const RETRY_MS = 1000;

/** The counts of one counter as the token keeps them: pairs and what was counted. */
export interface KeptCounts {
  readonly counter: string;
  readonly host: string;
  readonly counted: ReadonlyMap<string, number>;
}

export interface CountPorts {
  readonly disk: Disk;
  /** Where journals and counts of this token are; without it counts end with the agent. */
  readonly directory: string | undefined;
  /** Whether this host signed for logs before it counted. */
  readonly signedBefore: () => Promise<boolean>;
  readonly now: () => Date;
  readonly log: Log;
  readonly host?: string;
}

/** One use that was counted; whoever took it says if no signature came of it, or if that went adrift. */
export interface Use {
  failed: number;
  adrift: number;
}

interface Tally extends Use {
  readonly key: string;
  readonly purpose: Purpose;
  label: string;
  readonly since: string;
  counted: number;
  /** Uses up to here are durably allowed. */
  limit: number;
  uncertain: number;
}

export class CountUses {
  readonly #ports: CountPorts;
  readonly #tallies = new Map<string, Tally>();
  readonly #byKey = new WeakMap<TokenKey, Map<Purpose, Tally>>();
  readonly #breaks: BreakLine[] = [];
  readonly #wanting = new Set<Tally>();
  #counter: Counter;
  #file: UsesFile | undefined;
  #ready: Promise<void> | undefined;
  #writing: Promise<void> | undefined;
  #failedAt = Number.NEGATIVE_INFINITY;
  #ended = false;

  constructor(ports: CountPorts) {
    this.#ports = ports;
    const since = ports.now().toISOString();
    this.#counter = { id: randomBytes(8).toString('hex'), host: ports.host ?? hostname(), since };
  }

  /** Counts a use that is already allowed; `undefined` if one has to be waited for. */
  takeAtOnce(key: TokenKey, purpose: Purpose): Use | undefined {
    const tally = this.#byKey.get(key)?.get(purpose);
    if (tally === undefined || tally.counted >= tally.limit || this.#ended) return undefined;
    tally.counted += 1;
    if (tally.limit - tally.counted <= LOW) this.#reserveAhead(tally);
    return tally;
  }

  /**
   * Counts a use when it is durably allowed; `open` must have resolved.
   *
   * @throws {Fault} hsm/counts-write
   */
  async take(key: TokenKey, purpose: Purpose): Promise<Use> {
    const tally = this.#tallyOf(key, purpose);
    for (;;) {
      const use = this.takeAtOnce(key, purpose);
      if (use !== undefined) return use;
      if (this.#ended) {
        throw new Fault('unavailable', 'hsm/closed', "the token's agent is ending; retry", {
          retryAfterSeconds: 1,
        });
      }
      await this.#reserve(tally);
    }
  }

  /**
   * Reads what was counted before, once.
   *
   * @param kept what the token remembers of all counters
   * @throws {Fault} hsm/counts-damaged, and whatever `kept` throws
   */
  open(kept: () => readonly KeptCounts[]): Promise<void> {
    return (this.#ready ??= this.#open(kept).catch((error: unknown) => {
      this.#ready = undefined;
      throw error;
    }));
  }

  /** After `open`. */
  report(): UsesReport {
    return {
      counter: this.#counter.id,
      since: new Date(this.#counter.since),
      durable: this.#ports.directory !== undefined,
      block: BLOCK,
      breaks: this.#breaks.map(({ at, reason }) => ({ at: new Date(at), reason })),
      uses: [...this.#tallies.values()].map(
        ({ key, label, purpose, counted, uncertain, failed, adrift, since }) => ({
          key,
          label,
          purpose,
          counted: BigInt(counted),
          uncertain: BigInt(uncertain),
          failed: BigInt(failed),
          adrift: BigInt(adrift),
          since: new Date(since),
        }),
      ),
    };
  }

  /** A signature of `key` that was given out will not be in any book. */
  abandoned(key: TokenKey, purpose: Purpose): void {
    this.drifted(new Map([[this.#tallyOf(key, purpose), 1]]));
  }

  /** What was given out may not be in any book; durable soon, since an agent may die with its process. */
  drifted(uses: ReadonlyMap<Use, number>): void {
    for (const tally of this.#tallies.values()) {
      const lost = uses.get(tally) ?? 0;
      if (lost === 0) continue;
      tally.adrift += lost;
      this.#reserveAhead(tally);
    }
  }

  /** What the token should keep; `undefined` while there is nothing worth it. */
  get toKeep(): KeptCounts | undefined {
    if (this.#ports.directory === undefined || this.#tallies.size === 0) return undefined;
    const counted = new Map([...this.#tallies].map(([pair, tally]) => [pair, tally.counted]));
    return { counter: this.#counter.id, host: this.#counter.host, counted };
  }

  /** Writes the exact figures; no use is counted afterwards. */
  async end(): Promise<void> {
    this.#ended = true;
    // Nobody else writes when the exact figures are written.
    while (this.#writing !== undefined) await this.#writing.catch(() => undefined);
    for (const tally of this.#tallies.values()) tally.limit = tally.counted;
    if (this.#tallies.size > 0) await this.#append([...this.#tallies.values()].map(lineOf));
    await this.#file?.close();
  }

  async #open(readKept: () => readonly KeptCounts[]): Promise<void> {
    const { directory, disk } = this.#ports;
    if (directory === undefined) return;
    const path = join(directory, 'uses');
    const found = await UsesFile.open(disk, path);
    const kept = readKept();
    if (found === undefined) {
      this.#file = UsesFile.begin(disk, path, this.#counter);
      await this.#explainBeginning(kept);
      return;
    }
    this.#file = found.file;
    this.#counter = found.record.counter;
    this.#breaks.splice(0, Infinity, ...found.record.breaks);
    for (const line of found.record.lines) this.#tallies.set(pairOf(line), resumed(line));
    const remembered = kept.find(({ counter }) => counter === this.#counter.id);
    for (const [pair, counted] of remembered?.counted ?? []) this.#raise(pair, counted);
  }

  async #explainBeginning(kept: readonly KeptCounts[]): Promise<void> {
    const lost = kept.filter(({ host }) => host === this.#counter.host);
    if (lost.length > 0) {
      const names = lost.map(({ counter }) => counter).join(', ');
      this.#break(`lost: this host counted before as ${names}, as the token remembers, and its file is gone`);
    } else if (await this.#ports.signedBefore()) {
      this.#break('late: keys of this token had signed for logs before their uses were counted');
    }
  }

  /** The token remembers more than the file: the file was taken back. */
  #raise(pair: string, counted: number): void {
    const tally = this.#tallies.get(pair);
    const known = tally?.counted ?? 0;
    if (counted <= known) return;
    const [key = '', purpose = ''] = pair.split(' ');
    this.#break(
      `taken-back: the file said ${known} uses of key ${key.slice(0, 16)} for ${purpose}, the token remembers ${counted}`,
    );
    const since = this.#ports.now().toISOString();
    if (tally !== undefined) tally.counted = tally.limit = counted;
    else if (isPurpose(purpose))
      this.#tallies.set(pair, {
        key,
        purpose,
        label: '',
        since,
        counted,
        limit: counted,
        uncertain: 0,
        failed: 0,
        adrift: 0,
      });
  }

  #break(reason: string): void {
    this.#breaks.push({ at: this.#ports.now().toISOString(), reason });
    this.#ports.log('the counts of key uses have a break', { reason });
  }

  #tallyOf(key: TokenKey, purpose: Purpose): Tally {
    const pair = pairOf({ key: toHex(key.digest), purpose });
    const known = this.#tallies.get(pair);
    const since = this.#ports.now().toISOString();
    const none = { counted: 0, limit: 0, uncertain: 0, failed: 0, adrift: 0 };
    const tally = known ?? { key: toHex(key.digest), purpose, label: key.label, since, ...none };
    tally.label = key.label;
    this.#tallies.set(pair, tally);
    const purposes = this.#byKey.get(key) ?? new Map<Purpose, Tally>();
    this.#byKey.set(key, purposes.set(purpose, tally));
    return tally;
  }

  #reserveAhead(tally: Tally): void {
    if (this.#ended || this.#wanting.has(tally) || Date.now() - this.#failedAt < RETRY_MS) return;
    this.#reserve(tally).catch((error: unknown) => {
      this.#ports.log('the counts of key uses cannot be written', { error: String(error) });
    });
  }

  /** Resolves when a block that was asked for before now is durable. Asked for together, written together. */
  async #reserve(tally: Tally): Promise<void> {
    this.#wanting.add(tally);
    while (this.#wanting.has(tally) && !this.#ended) {
      await (this.#writing ??= this.#write().finally(() => {
        this.#writing = undefined;
      }));
    }
  }

  async #write(): Promise<void> {
    const batch = [...this.#wanting].map((tally) => ({
      tally,
      line: { ...lineOf(tally), limit: tally.counted + BLOCK },
    }));
    try {
      await this.#append(batch.map(({ line }) => line));
      for (const { tally, line } of batch) tally.limit = Math.max(tally.limit, line.limit);
      for (const { tally } of batch) this.#wanting.delete(tally);
    } catch (error) {
      this.#failedAt = Date.now();
      // Whoever waits hears of it, and asks again.
      this.#wanting.clear();
      throw error;
    }
  }

  async #append(lines: readonly CountLine[]): Promise<void> {
    const everything = (): { lines: CountLine[]; breaks: readonly BreakLine[] } => {
      const newest = new Map([...this.#tallies].map(([pair, tally]) => [pair, lineOf(tally)]));
      for (const line of lines) newest.set(pairOf(line), line);
      return { lines: [...newest.values()], breaks: this.#breaks };
    };
    await this.#file?.append(lines, everything, this.#ports.now().toISOString());
  }
}

function lineOf({ key, purpose, label, since, counted, limit, uncertain, failed, adrift }: Tally): CountLine {
  return { key, purpose, label, since, counted, limit, uncertain, failed, adrift };
}

/** Whatever was allowed and not settled counts as used. */
function resumed(line: CountLine): Tally {
  const { counted, limit, uncertain } = line;
  return { ...line, counted: limit, limit, uncertain: uncertain + (limit - counted) };
}
