/**
 * The slow check: every tree of this appliance is derived again, over and over, a few tiles at a time.
 *
 * A turn, in one transaction:
 *
 *   1. hold    the row of the tree's pass; another replica that has it is left alone, so each tree is read once
 *   2. read    the next tiles in this very snapshot, derived as the whole check does it
 *   3. note    what was found, and the event of the audit trail, together with the place: a crash loses neither, and
 *              repeats no event
 *   4. stop    the log, where the fault is in what is signed; on every replica, since all of them read what was noted
 *
 * A pass ends where the head was when it began, so that a log which grows faster than it is checked is covered all
 * the same. What stands beyond the head, and the search keys, are for the whole check (`airseal log fsck`): they take
 * tables from end to end.
 */
import { setImmediate as turnOfOthers } from 'node:timers/promises';
import type { Pool, PoolClient } from 'pg';
import type { Fault } from '#core/fault';
import type { TreeHead } from '#core/merkle';
import { equalOctets } from '#core/octets';
import { TILE_WIDTH } from '#core/tile';
import type { Clock, Logger } from '#platform';
import { withConnection } from '../connection.js';
import { checkLeaves, type TreeUnderCheck } from './check-leaves.js';
import { Derivation } from './derivation.js';
import { type Finding, Findings, formatPlace, hex } from './finding.js';
import { stopsSigning } from './stops-signing.js';
import {
  bear,
  beginPass,
  type Coverage,
  endPass,
  holdPass,
  keepPlace,
  noteFault,
  readCoverage,
  verificationFailed,
} from './verification-store.js';

/** A tree that can be stopped. */
export interface WatchedTree {
  readonly under: TreeUnderCheck;
  readonly distrust: (fault: Fault) => void;
}

export interface ContinuousCheckParts {
  readonly pool: Pool;
  readonly trees: () => readonly WatchedTree[];
  readonly leavesPerSecond: number;
  /** Shortest time from the beginning of one pass to the beginning of the next. */
  readonly everyMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Records a new fault in the transaction of `client`. */
  readonly record: (client: PoolClient, tree: string, finding: Finding, stops: boolean) => Promise<void>;
  /** Told after each turn how far everything has come. */
  readonly covered: (coverage: readonly Coverage[]) => void;
}

const TURN_MS = 2000;
const WIDTH = BigInt(TILE_WIDTH);
/** Leaves of one transaction at most: it must not hold its snapshot for long. */
const MOST_LEAVES = 4096n;
/** What a transaction meets that another replica was quicker than. */
const SERIALIZATION = '40001';

export class ContinuousCheck {
  readonly #parts: ContinuousCheckParts;
  readonly #born = new Set<number>();
  #timer: NodeJS.Timeout | undefined;
  #turn: Promise<void> = Promise.resolve();
  /** Leaves that may be read now; what one turn leaves over is for the next. */
  #budget = 0;
  #first = 0;
  #coverage: readonly Coverage[] = [];
  #stopped = false;

  constructor(parts: ContinuousCheckParts) {
    this.#parts = parts;
  }

  /** As of the last turn. */
  get coverage(): readonly Coverage[] {
    return this.#coverage;
  }

  start(): void {
    this.#later();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#turn;
  }

  /** One turn with room for `leaves` more. @returns how many were read */
  async turn(leaves: number): Promise<number> {
    // A database that was away does not leave behind a hunger for everything at once.
    this.#budget = Math.min(this.#budget + leaves, Math.max(leaves, TILE_WIDTH) * 2);
    const trees = this.#parts.trees();
    await this.#bear(trees);
    let read = 0;
    for (let at = 0; at < trees.length && this.#budget >= TILE_WIDTH && !this.#stopped; at++) {
      const tree = trees[(this.#first + at) % trees.length];
      if (tree === undefined) continue;
      for (let more = true; more && this.#budget >= TILE_WIDTH && !this.#stopped;) {
        const done = await this.#step(tree);
        more = done > 0;
        read += done;
        this.#budget -= done;
      }
    }
    this.#first = trees.length === 0 ? 0 : (this.#first + 1) % trees.length;
    await this.look(trees);
    return read;
  }

  /** Reads what all replicas have noted, and stops the trees that must not sign. */
  async look(trees = this.#parts.trees()): Promise<void> {
    this.#coverage = await readCoverage(this.#parts.pool);
    this.#parts.covered(this.#coverage);
    for (const { shard, faults } of this.#coverage) {
      const worst = faults.find(({ stops }) => stops);
      if (worst === undefined) continue;
      trees.find(({ under }) => under.shard === shard)?.distrust(verificationFailed(worst.place));
    }
  }

  #later(): void {
    this.#timer = setTimeout(() => {
      this.#turn = this.turn((this.#parts.leavesPerSecond * TURN_MS) / 1000).then(
        () => undefined,
        (err: unknown) => {
          if (!this.#stopped)
            this.#parts.logger.warn({ err }, 'the logs could not be checked now; trying again');
        },
      );
      void this.#turn.then(() => {
        if (!this.#stopped) this.#later();
      });
    }, TURN_MS).unref();
  }

  async #bear(trees: readonly WatchedTree[]): Promise<void> {
    const shards = trees.map(({ under }) => under.shard).filter((shard) => !this.#born.has(shard));
    if (shards.length === 0) return;
    await bear(this.#parts.pool, shards);
    for (const shard of shards) this.#born.add(shard);
  }

  /** @returns leaves read; 0 if there is nothing to do, or another replica does it */
  async #step({ under }: WatchedTree): Promise<number> {
    const noted: { readonly finding: Finding; readonly stops: boolean }[] = [];
    const read = await withConnection(this.#parts.pool, async (client) => {
      try {
        await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
        const value = await this.#advance(client, under, noted);
        await client.query('COMMIT');
        return { value, reusable: true };
      } catch (error) {
        const reusable = await client.query('ROLLBACK').then(
          () => true,
          () => false,
        );
        noted.splice(0);
        const late =
          typeof error === 'object' && error !== null && 'code' in error && error.code === SERIALIZATION;
        return late ? { value: 0, reusable } : { error, reusable };
      }
    });
    for (const { finding, stops } of noted) {
      this.#parts.logger.fatal(
        {
          tree: under.name,
          place: formatPlace(finding),
          expected: finding.expected,
          found: finding.found,
          stops,
        },
        'the log contradicts itself',
      );
    }
    return read;
  }

  async #advance(
    client: PoolClient,
    tree: TreeUnderCheck,
    noted: { readonly finding: Finding; readonly stops: boolean }[],
  ): Promise<number> {
    const nowMs = this.#parts.clock.nowMs();
    let pass = await holdPass(client, tree.shard);
    if (pass === undefined) return 0;
    const { rows } = await client.query<{ size: string; root: Buffer }>(
      'SELECT size, root FROM log_head WHERE shard = $1',
      [tree.shard],
    );
    const [row] = rows;
    if (row === undefined) return 0;
    const head: TreeHead = { size: BigInt(row.size), root: row.root };
    if (!pass.running) {
      const rests = pass.pass > 0n && nowMs - pass.startedMs < this.#parts.everyMs;
      if (rests || head.size === 0n) return 0;
      pass = await beginPass(client, tree.shard, head, nowMs);
    }
    const until = pass.until ?? head;
    const findings = new Findings();
    const derivation = new Derivation(pass.place);
    const start = pass.place.next;
    const most = this.#most();
    const end = start + most < until.size ? start + most : until.size;
    const checked = await checkLeaves(client, tree, { start, end }, [], turnOfOthers);
    const root = await derivation.take(client, tree, checked, [], findings);
    if (end === until.size) {
      if (!equalOctets(root, until.root)) {
        findings.add({
          what: 'head/root',
          at: { size: until.size.toString(), column: 'root' },
          expected: hex(root),
          found: hex(until.root),
        });
      }
      await endPass(client, tree.shard, nowMs);
    } else await keepPlace(client, tree.shard, derivation.place);
    for (const finding of findings.kept) {
      const stops = stopsSigning(finding, head.size);
      if (!(await noteFault(client, tree.shard, pass.pass, finding, stops, nowMs))) continue;
      await this.#parts.record(client, tree.name, finding, stops);
      noted.push({ finding, stops });
    }
    // The last tile may hold few leaves, but it has been read all the same.
    return Math.max(Number(end - start), 1);
  }

  #most(): bigint {
    const room = (BigInt(Math.floor(this.#budget)) / WIDTH) * WIDTH;
    return room > MOST_LEAVES ? MOST_LEAVES : room < WIDTH ? WIDTH : room;
  }
}
