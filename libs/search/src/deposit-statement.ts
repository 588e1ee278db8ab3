/**
 * How an envelope comes to stand beside the entry that was made of it.
 *
 *   1. read      in another thread; what it signs must have the digest it is named by
 *   2. look      for entries that may have been made of it, in every tree of both faces
 *   3. match     in another thread: the logged digest, the logged signature, the logged key, and nothing else in the
 *                envelope; one signature that no entry vouches for refuses the whole
 *   4. keep      the envelope, the search keys it brings and the event in the audit trail, in one transaction
 *
 * Anybody may deposit, because nobody can deposit anything that was not logged. What is kept is never replaced: the same
 * envelope again is no news, also in another spelling, and another one is a conflict.
 */
import type { Pool, PoolClient } from 'pg';
import type { RecordEvent } from '#audit';
import { readKept } from '#core/entry';
import { Fault, isFault } from '#core/fault';
import { equalOctets, fromHex, toBase64 } from '#core/octets';
import type { DepositChecker, DepositFacts } from '#log';
import type { Clock, Metrics } from '#platform';
import type { PickedLeaf } from '#tree';
import type { SearchedTree } from './faces.js';
import type { FewAtOnce } from './few-at-once.js';

/** Entries that are looked at under each key, and entries that are compared. */
const EFFORT = 20_000;
const COMPARED = 64;
/** Refusals that are remembered as told. */
const MOST_TOLD = 10_000;

export interface DepositParts {
  readonly pool: Pool;
  readonly trees: readonly SearchedTree[];
  readonly checker: DepositChecker;
  readonly record: RecordEvent;
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** Shared with whoever searches: the entry of a deposit has to be found. */
  readonly turns: FewAtOnce;
  readonly maximumBytes: number;
  readonly maximumEntries: number;
}

export interface Deposited {
  readonly pae: string;
  /** Whether anything was kept that was not there before. */
  readonly created: boolean;
  /** Every entry that the statement is kept for now. */
  readonly entries: readonly { readonly of: SearchedTree; readonly index: bigint }[];
}

interface Candidate {
  readonly of: SearchedTree;
  readonly leaf: PickedLeaf;
}

interface Match extends Candidate {
  readonly keys: readonly string[];
}

function refused(code: string, message: string): Fault {
  return new Fault('unverified', code, message);
}

/** What a refusal is worth to an auditor: somebody tried to put words under somebody's signature. */
const TOLD = new Set(['statement/other-signature', 'statement/conflict']);

export class DepositStatement {
  readonly #parts: DepositParts;
  readonly #counted: (result: string) => void;
  readonly #told = new Set<string>();

  constructor(parts: DepositParts) {
    this.#parts = parts;
    const deposits = parts.metrics.counter(
      'airseal_statement_deposits_total',
      'Statements that were deposited: kept, known already, or the code of the refusal',
      ['result'],
    );
    this.#counted = (result) => deposits.inc({ result });
  }

  /**
   * Keeps the envelope in `body`, which the caller calls `pae` (hex).
   *
   * @throws {Fault} statement/too-large, statement/other-pae, statement/not-logged, statement/other-signature,
   *   statement/too-many-entries, statement/conflict; search/busy; entry/…, json/…
   */
  async execute(pae: string, body: Uint8Array): Promise<Deposited> {
    try {
      const deposited = await this.#parts.turns.run(() => this.#deposit(pae, body));
      this.#counted(deposited.created ? 'kept' : 'known');
      return deposited;
    } catch (error) {
      if (isFault(error)) {
        this.#counted(error.code);
        if (TOLD.has(error.code)) await this.#tell(pae, error);
      }
      throw error;
    }
  }

  async #deposit(pae: string, body: Uint8Array): Promise<Deposited> {
    const { checker } = this.#parts;
    const facts = await checker.readDeposit(body);
    if (facts.pae !== pae) {
      throw new Fault(
        'malformed',
        'statement/other-pae',
        `what this envelope signs has the digest ${facts.pae}; deposit it under that name`,
      );
    }
    const candidates = await this.#candidates(facts);
    const match = await checker.matchDeposit(
      body,
      candidates.map(({ leaf }) => leaf.body),
    );
    const { maximumBytes, maximumEntries } = this.#parts;
    if (match.leaves.length === 0) throw await this.#unmatched(facts);
    if (!match.everySignatureLogged) {
      throw refused(
        'statement/other-signature',
        'the envelope has a signature that no entry of this log vouches for; deposit it with the logged signatures only',
      );
    }
    if (match.envelope.length > maximumBytes) {
      throw new Fault(
        'refused',
        'statement/too-large',
        `an envelope of ${match.envelope.length} octets is not kept; ${maximumBytes} are the most (log.statements.maximumBytes)`,
      );
    }
    const matches = match.leaves.flatMap(({ at, keys }) => {
      const candidate = candidates[at];
      return candidate === undefined ? [] : [{ ...candidate, keys }];
    });
    const fresh = await this.#withoutStatement(matches);
    const deposited = await this.#countDeposited(fromHex(pae));
    if (fresh.length > 0 && deposited + fresh.length > maximumEntries) {
      throw new Fault(
        'refused',
        'statement/too-many-entries',
        `this statement was deposited for ${deposited} entries, and ${maximumEntries} are the most (log.statements.maximumEntries)`,
      );
    }
    const written = fresh.length === 0 ? 0 : await this.#keep(pae, match.envelope, fresh);
    if (written === 0) await this.#compare(match.envelope, matches);
    return {
      pae,
      created: written > 0,
      entries: matches.map(({ of, leaf }) => ({ of, index: leaf.index })),
    };
  }

  /** Entries that may have been made of it. A replica may be behind the one that has just logged it. */
  async #candidates(facts: DepositFacts): Promise<readonly Candidate[]> {
    const found = await this.#holding(facts);
    if (found.length > 0) return found;
    await Promise.all(this.#parts.trees.map(({ tree }) => tree.look()));
    return await this.#holding(facts);
  }

  async #holding({ candidateKeys, traces }: DepositFacts): Promise<readonly Candidate[]> {
    const found = await Promise.all(
      this.#parts.trees.map(async (of) => {
        const bounds = { limit: COMPARED, effort: EFFORT };
        const leaves = await of.tree.index.holding(candidateKeys, traces, of.tree.size, bounds);
        return leaves.map((leaf) => ({ of, leaf }));
      }),
    );
    return found.flat();
  }

  /** Nothing matched: because nothing like it was logged, or because somebody else signed it. */
  async #unmatched({ candidateKeys, pae }: DepositFacts): Promise<Fault> {
    const { trees } = this.#parts;
    const logged = await Promise.all(trees.map(({ tree }) => tree.search(candidateKeys, 'or', 1)));
    if (logged.flat().length === 0) {
      return new Fault(
        'absent',
        'statement/not-logged',
        `no entry of this log is over ${pae}; log the envelope first, then deposit it`,
      );
    }
    return refused(
      'statement/other-signature',
      'this log has an entry over what the envelope signs, but with another signature; deposit the envelope that was logged',
    );
  }

  async #withoutStatement(matches: readonly Match[]): Promise<readonly Match[]> {
    const described = await Promise.all(
      matches.map(({ of, leaf }) => of.tree.attachments.describe([leaf.index])),
    );
    return matches.filter((_, at) => described[at]?.size === 0);
  }

  async #countDeposited(digest: Uint8Array): Promise<number> {
    const counts = await Promise.all(
      this.#parts.trees.map(({ tree }) => tree.attachments.countDeposited(digest)),
    );
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** How many were kept that nobody else kept in the meantime. */
  async #keep(pae: string, envelope: Uint8Array, fresh: readonly Match[]): Promise<number> {
    const { pool, clock, record } = this.#parts;
    const attachment = { digest: fromHex(pae), octets: envelope };
    const client: PoolClient = await pool.connect();
    let broken: Error | boolean = true;
    try {
      await client.query('BEGIN');
      const written: string[] = [];
      for (const { of, leaf, keys } of fresh) {
        const { tree } = of;
        const kept = await tree.attachments.keep(client, leaf.index, attachment, keys, clock.nowMs());
        if (kept) written.push(placeOf(of, leaf.index));
      }
      if (written.length > 0) {
        await record.within(client, {
          code: 'log.statement.deposited',
          resource: { statement: pae },
          details: { entries: written, octets: envelope.length },
        });
      }
      await client.query(written.length > 0 ? 'COMMIT' : 'ROLLBACK');
      broken = false;
      return written.length;
    } finally {
      // A connection whose transaction did not end is given to nobody else.
      client.release(broken);
    }
  }

  /** @throws {Fault} statement/conflict if another envelope is kept for one of the entries */
  async #compare(envelope: Uint8Array, matches: readonly Match[]): Promise<void> {
    for (const { of, leaf } of matches) {
      const [kept] = await of.tree.attachments.read([leaf.index]);
      if (kept === undefined || equalOctets(kept.octets, envelope) || sameSignatures(kept.octets, envelope))
        continue;
      throw new Fault(
        'conflict',
        'statement/conflict',
        'another envelope of this statement is kept for its entry, with other signatures; read it, nothing is replaced',
      );
    }
  }

  /** Each once, or whoever repeats himself would fill the audit trail. */
  async #tell(pae: string, { code, message }: Fault): Promise<void> {
    const event = `${code} ${pae}`;
    if (this.#told.has(event)) return;
    if (this.#told.size >= MOST_TOLD) this.#told.clear();
    this.#told.add(event);
    await this.#parts.record.within(this.#parts.pool, {
      code: 'log.statement.refused',
      outcome: 'failure',
      reason: code,
      resource: { statement: pae },
      details: { message },
    });
  }
}

function placeOf({ tree }: SearchedTree, index: bigint): string {
  return `${tree.name}#${index}`;
}

/** Two envelopes of one digest sign the same; they are the same if they also carry the same signatures. */
function sameSignatures(one: Uint8Array, other: Uint8Array): boolean {
  const signatures = (envelope: Uint8Array): string =>
    readKept(envelope)
      .signatures.map(({ octets }) => toBase64(octets))
      .sort()
      .join(' ');
  return signatures(one) === signatures(other);
}
