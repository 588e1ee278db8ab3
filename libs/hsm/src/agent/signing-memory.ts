/**
 * What this agent's keys have signed about trees, and what may follow it.
 *
 * A head may be signed when
 *   1. the asking process has announced the head that its database has, and neither the journal of this host nor
 *      the token knows a larger one, nor another one of the same size
 *   2. this host keeps a journal for the tree: begun with the empty tree, or adopted by an operator
 *   3. the head does not contradict the newest line of the journal
 *   4. its own line in the journal is durable
 *
 * That a larger head continues the smaller one is proved by whoever announces it: this process knows no leaves.
 *
 * The token gets the newest head at most every few seconds, because tokens wear out, and at the end.
 */
import { readdir } from 'node:fs/promises';
import { Fault } from '#core/fault';
import { toHex } from '#core/octets';
import type { Head, OriginHead, SignedBefore } from '../heads.js';
import { isEmptyHead } from './head.js';
import { contradicts, JournalFile, journalsOf } from './journal-file.js';
import type { TokenKey } from './key.js';
import type { Log } from './log.js';
import { readTokenHeads, writeTokenHead, type TokenHead } from './token-heads.js';
import type { OpenToken, Token } from './token.js';

const TOKEN_REFRESH_MS = 5000;

/** What one process has announced; ends with its connection. */
export type Announced = Set<string>;

interface Remembered {
  readonly key: Uint8Array;
  readonly origin: string;
  journal: JournalFile | undefined;
  /** Whether the journal was looked for. */
  sought: boolean;
  /** Whether beginning it failed in a way that may have left it there. */
  doubted: boolean;
  turn: Promise<unknown>;
}

export class SigningMemory {
  readonly #token: Token;
  readonly #directory: string | undefined;
  readonly #log: Log;
  readonly #trees = new Map<string, Remembered>();
  /** Heads that the token does not have yet. */
  readonly #due = new Map<string, TokenHead>();
  readonly #logKeys = new Set<string>();
  #tokenHeads: Promise<Map<string, TokenHead>> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #refreshedAt = 0;

  constructor(token: Token, directory: string | undefined, log: Log) {
    this.#token = token;
    this.#directory = directory;
    this.#log = log;
  }

  /** Compares the database's head with everything remembered, and says what is. */
  announce(token: OpenToken, key: TokenKey, head: OriginHead, announced: Announced): Promise<SignedBefore> {
    return this.#inTurn(key, head.origin, async (tree) => {
      const id = idOf(key.digest, head.origin);
      announced.delete(id);
      const known = (await this.#knownToToken(token)).get(id);
      if (tree.journal === undefined && head.size === 0n && isEmptyHead(head) && (known?.size ?? 0n) === 0n)
        await this.#begin(tree, head);
      const journal = tree.journal?.last;
      const open =
        journal !== undefined &&
        !contradicts(journal, head) &&
        (known === undefined || !contradicts(known, head));
      if (open) announced.add(id);
      else this.#log('a tree was announced that must not be signed', facts(head, journal, known));
      return { journal, token: known, open };
    });
  }

  /**
   * Begins a journal at `head`, which an operator vouches for.
   *
   * @throws {Fault} hsm/journal-exists
   */
  adopt(token: OpenToken, key: TokenKey, head: OriginHead): Promise<void> {
    return this.#inTurn(key, head.origin, async (tree) => {
      const known = (await this.#knownToToken(token)).get(idOf(key.digest, head.origin));
      const first = known !== undefined && known.size > head.size ? known : head;
      const last = tree.journal?.last;
      // What an adoption that failed left behind is this very one, or there is a journal already.
      const left = tree.doubted && last?.size === first.size && !contradicts(last, first);
      if (last !== undefined && !left) {
        throw new Fault(
          'conflict',
          'hsm/journal-exists',
          `this host keeps a signing journal for ${head.origin} already; it ends at ${last.size}`,
        );
      }
      if (known !== undefined && known.size === head.size && contradicts(known, head))
        throw forked(head, known);
      if (!left) await this.#begin(tree, first);
      tree.doubted = false;
      this.#log(
        'a signing journal was begun at a head that an operator gave',
        facts(first, undefined, known),
      );
    });
  }

  /**
   * Resolves when `head` may be signed and its line in the journal is durable.
   *
   * @throws {Fault} hsm/head-unannounced, hsm/head-outgrown, hsm/forked, hsm/journal-write, hsm/no-journal
   */
  admit(key: TokenKey, head: OriginHead, announced: Announced): Promise<void> {
    return this.#inTurn(key, head.origin, async (tree) => {
      if (!announced.has(idOf(key.digest, head.origin))) {
        throw new Fault(
          'unavailable',
          'hsm/head-unannounced',
          `say first which head the database has for ${head.origin}; nothing was signed`,
        );
      }
      const journal = tree.journal;
      if (journal === undefined) throw noJournal(head.origin);
      const { last } = journal;
      if (head.size < last.size) {
        // Most likely another replica was quicker. Whether the database was taken back, only who reads it can tell.
        throw new Fault(
          'conflict',
          'hsm/head-outgrown',
          `a head of ${head.size} for ${head.origin} is smaller than the ${last.size} that was signed before; nothing was signed`,
        );
      }
      if (contradicts(last, head)) throw forked(head, last);
      await journal.append(head, now);
      this.#due.set(idOf(key.digest, head.origin), { key: key.digest, ...head });
      this.#refreshSoon();
    });
  }

  /** Whether this key has signed heads before: then it signs none without a journal. */
  async isLogKey(token: OpenToken, key: TokenKey): Promise<boolean> {
    const digest = toHex(key.digest);
    if (this.#logKeys.has(digest)) return true;
    const heads = await this.#knownToToken(token);
    const journals =
      this.#directory === undefined ? [] : await listing(journalsOf(this.#directory, key.digest));
    const found = journals.length > 0 || [...heads.values()].some((head) => toHex(head.key) === digest);
    if (found) this.#logKeys.add(digest);
    return found;
  }

  /** Whether this host has signed heads before, for whatever log. */
  async hasJournals(): Promise<boolean> {
    if (this.#directory === undefined) return false;
    const names = await listing(this.#directory);
    return names.some((name) => /^[0-9a-f]{32}$/.test(name));
  }

  /** The token was opened anew, and may be another one by the same name. */
  tokenOpened(): void {
    this.#tokenHeads = undefined;
  }

  /** Writes what the token lacks, now. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#refreshedAt = Date.now();
    for (const [id, head] of [...this.#due]) {
      try {
        await this.#token.with((token) => writeTokenHead(token, head));
        if (this.#due.get(id) === head) this.#due.delete(id);
      } catch (error) {
        this.#log('the token does not keep the newest head of a log; the journal does', {
          origin: head.origin,
          error: error instanceof Error ? error.message : String(error),
        });
      }
    }
  }

  #refreshSoon(): void {
    if (this.#timer !== undefined) return;
    const wait = Math.max(0, this.#refreshedAt + TOKEN_REFRESH_MS - Date.now());
    this.#timer = setTimeout(() => void this.flush(), wait);
    this.#timer.unref();
  }

  async #begin(tree: Remembered, head: Head): Promise<void> {
    if (this.#directory === undefined) throw noJournal(tree.origin);
    const { key, origin } = tree;
    try {
      tree.journal = await JournalFile.create({ directory: this.#directory, key, origin }, head, now);
    } catch (cause) {
      // It may be there for all that, so the next turn looks again.
      tree.sought = false;
      tree.doubted = true;
      throw new Fault(
        'unavailable',
        'hsm/journal-write',
        `no signing journal could be begun for ${origin}, so nothing is signed; make room on its volume, or replace it`,
        { cause, detail: { ckr: 'journal' }, retryAfterSeconds: 5 },
      );
    }
    this.#logKeys.add(toHex(key));
  }

  /** One step at a time for each tree; two processes may ask at once. */
  #inTurn<T>(key: TokenKey, origin: string, step: (tree: Remembered) => Promise<T>): Promise<T> {
    const id = idOf(key.digest, origin);
    let tree = this.#trees.get(id);
    if (tree === undefined) {
      tree = {
        key: key.digest,
        origin,
        journal: undefined,
        sought: false,
        doubted: false,
        turn: Promise.resolve(),
      };
      this.#trees.set(id, tree);
    }
    const here = tree;
    const turn = here.turn.then(async () => {
      if (!here.sought && this.#directory !== undefined) {
        const name = { directory: this.#directory, key: here.key, origin };
        here.journal = await JournalFile.open(name, now);
        here.sought = true;
      }
      return await step(here);
    });
    here.turn = turn.catch(() => undefined);
    return turn;
  }

  #knownToToken(token: OpenToken): Promise<Map<string, TokenHead>> {
    this.#tokenHeads ??= Promise.resolve().then(() => {
      const largest = new Map<string, TokenHead>();
      for (const head of readTokenHeads(token)) {
        const id = idOf(head.key, head.origin);
        const known = largest.get(id);
        if (known === undefined || head.size > known.size) largest.set(id, head);
      }
      return largest;
    });
    const heads = this.#tokenHeads;
    heads.catch(() => {
      if (this.#tokenHeads === heads) this.#tokenHeads = undefined;
    });
    return heads;
  }
}

const BEGUN_MS = Date.now() - performance.now();

/** On the steady clock since this process began: a clock that is set while it runs dates no line. */
function now(): Date {
  return new Date(BEGUN_MS + performance.now());
}

function idOf(key: Uint8Array, origin: string): string {
  return `${toHex(key)} ${origin}`;
}

function facts(
  head: OriginHead | Head,
  journal: Head | undefined,
  token: Head | undefined,
): Record<string, string> {
  return {
    ...('origin' in head ? { origin: head.origin } : {}),
    size: head.size.toString(),
    journal: journal?.size.toString() ?? 'none',
    token: token?.size.toString() ?? 'none',
  };
}

function forked(head: OriginHead, before: Head): Fault {
  return new Fault(
    'refused',
    'hsm/forked',
    `another root for a tree of ${before.size} was signed before for ${head.origin}; nothing was signed`,
  );
}

function noJournal(origin: string): Fault {
  return new Fault(
    'refused',
    'hsm/no-journal',
    `this host keeps no signing journal for ${origin}; nothing was signed; see \`airseal log adopt\``,
  );
}

async function listing(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
