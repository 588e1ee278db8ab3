/**
 * The index of some leaves, derived again and held against the stored one.
 *
 * Leaves, envelopes and index are read as of one moment, so that the log may take entries and deposits meanwhile. Both
 * come in the order of the leaves and are read side by side: what is in memory is one leaf and its keys.
 */
import type { ClientBase } from 'pg';
import { sha256 } from '#core/crypto';
import { indexKeysOf, readKept, readLeaf, vouchedFor, type Deposit, type LeafFacts } from '#core/entry';
import { isFault } from '#core/fault';
import { type Edge, leafHash } from '#core/merkle';
import { equalOctets, toHex } from '#core/octets';
import { searchKeyHash } from '#tree';

/** `unproven`: of an envelope that is not held, so nobody can say what it names. */
export type DifferenceKind = 'missing' | 'extra' | 'unproven' | 'statement';

export interface IndexDifference {
  readonly what: DifferenceKind;
  readonly index: bigint;
  /** 16 octets as the index has them; none for a statement. */
  readonly keyHash: Uint8Array | undefined;
  /** The key itself where it is known: what is too much is known by its hash alone. */
  readonly key: string;
}

export interface RangeCounts {
  readonly statements: number;
  readonly rows: number;
}

const LEAVES_AT_ONCE = 128;
const KEYS_AT_ONCE = 4096;

interface LeafRow {
  readonly idx: string;
  readonly body: Buffer;
  readonly digest: Buffer | null;
}

/** The rows of one cursor, a batch at a time. */
async function* rowsOf<Row>(
  client: ClientBase,
  name: string,
  atOnce: number,
): AsyncGenerator<Row, void, undefined> {
  for (;;) {
    const { rows } = await client.query(`FETCH ${atOnce} FROM ${name}`);
    yield* rows as Row[];
    if (rows.length < atOnce) return;
  }
}

/** The stored keys of leaf after leaf, which must be asked for in order. */
class StoredKeys {
  readonly #rows: AsyncGenerator<{ idx: string; key_hash: Buffer }, void, undefined>;
  #ahead: { idx: bigint; keyHash: Buffer } | undefined;
  #ended = false;
  count = 0;

  constructor(client: ClientBase) {
    this.#rows = rowsOf(client, 'stored_keys', KEYS_AT_ONCE);
  }

  async of(index: bigint): Promise<Map<string, Uint8Array>> {
    const keys = new Map<string, Uint8Array>();
    for (;;) {
      if (this.#ahead === undefined && !this.#ended) await this.#advance();
      if (this.#ahead === undefined || this.#ahead.idx !== index) return keys;
      keys.set(toHex(this.#ahead.keyHash), this.#ahead.keyHash);
      this.#ahead = undefined;
      this.count += 1;
    }
  }

  async #advance(): Promise<void> {
    const next = await this.#rows.next();
    if (next.done === true) this.#ended = true;
    else this.#ahead = { idx: BigInt(next.value.idx), keyHash: next.value.key_hash };
  }
}

/**
 * Compares leaves `start` up to but not including `end` within the caller's snapshot, and grows `edge` by them.
 *
 * @param found told of every difference, in the order of the leaves
 */
export async function compareRange(
  client: ClientBase,
  shard: number,
  { start, end, edge }: { readonly start: bigint; readonly end: bigint; readonly edge: Edge },
  found: (difference: IndexDifference) => void,
): Promise<RangeCounts> {
  const range = `shard = ${shard} AND idx >= ${start} AND idx < ${end}`;
  await client.query(
    `DECLARE stored_leaves NO SCROLL CURSOR FOR
       SELECT l.idx, l.body, a.digest FROM log_leaf l
         LEFT JOIN log_attachment a ON a.shard = l.shard AND a.idx = l.idx
        WHERE l.shard = ${shard} AND l.idx >= ${start} AND l.idx < ${end} ORDER BY l.idx`,
  );
  await client.query(
    `DECLARE stored_keys NO SCROLL CURSOR FOR SELECT idx, key_hash FROM log_index WHERE ${range} ORDER BY idx`,
  );
  const stored = new StoredKeys(client);
  let statements = 0;
  for await (const { idx, body, digest } of rowsOf<LeafRow>(client, 'stored_leaves', LEAVES_AT_ONCE)) {
    const index = BigInt(idx);
    edge.append(leafHash(body));
    const leaf = readLeaf(body);
    const held = digest === null ? undefined : await readHeld(client, shard, index, leaf, digest);
    if (digest !== null) statements += 1;
    if (held === undefined && digest !== null) {
      const key = `statement ${toHex(digest)} is not what this entry was made of`;
      found({ what: 'statement', index, keyHash: undefined, key });
    }
    const keys = await stored.of(index);
    for (const key of new Set(indexKeysOf(leaf, held))) {
      const keyHash = searchKeyHash(key);
      if (!keys.delete(toHex(keyHash))) found({ what: 'missing', index, keyHash, key });
    }
    const what = leaf.envelope && held === undefined ? 'unproven' : 'extra';
    for (const [hex, keyHash] of keys) found({ what, index, keyHash, key: `hash ${hex}` });
  }
  await client.query('CLOSE stored_leaves; CLOSE stored_keys');
  return { statements, rows: stored.count };
}

/** The envelope that is kept for a leaf; undefined if the leaf was not made of it. */
async function readHeld(
  client: ClientBase,
  shard: number,
  index: bigint,
  leaf: LeafFacts,
  digest: Uint8Array,
): Promise<Deposit | undefined> {
  const { rows } = await client.query<{ octets: Buffer }>(
    'SELECT octets FROM log_attachment WHERE shard = $1 AND idx = $2',
    [shard, index.toString()],
  );
  try {
    const held = readKept(rows[0]?.octets ?? new Uint8Array());
    const logged = vouchedFor(held, leaf).size > 0 && equalOctets(sha256(held.signed), digest);
    return logged ? held : undefined;
  } catch (error) {
    if (isFault(error)) return undefined;
    throw error;
  }
}
