/**
 * One batch of leaves into one tree: one transaction, one order of writes.
 *
 *   1. lock      the head row is locked; whoever holds it is the only writer of this tree, on any replica
 *                and it never has less than it had
 *   2. hand-over if another replica has written since, the edge is read again and proved against the stored root
 *   3. dedup     what is in the tree already keeps its old place; race-free, because of the lock
 *   4. grow      tiles and root are computed from the proved edge
 *   5. copy      leaves, deduplication keys, search keys, attachments, tiles; the head last, guarded by size and epoch
 *   6. commit    from here on the batch is true
 *
 * A failure before 6 leaves no trace. A failure *of* 6 is ambiguous: the connection is dropped, never reused, and
 * the caller must offer the same batch again; step 3 then finds what was committed after all.
 */
import type { Pool, PoolClient } from 'pg';
import { sha256 } from '#core/crypto';
import { Fault } from '#core/fault';
import type { TreeHead } from '#core/merkle';
import { equalOctets, fromUtf8, toHex } from '#core/octets';
import type { Barrier } from './barrier.js';
import { bytea, byteaArray, copyRows, int4, int8, text, type Field } from './copy-rows.js';
import type { HashTile } from './hash-tile.js';
import type { NewLeaf } from './leaf.js';
import { withConnection } from './connection.js';
import { RightEdge, type Growth } from './right-edge.js';
import type { TileId } from './tile-rows.js';

/** A leaf on its way in. Within one batch no two have the same identity. */
export interface Candidate {
  readonly leaf: NewLeaf;
  readonly leafHash: Uint8Array;
  readonly identity: Uint8Array;
  /** An earlier COMMIT with this leaf was ambiguous: if it is found in the tree, we put it there. */
  readonly perhapsCommitted: boolean;
}

/** What became of one candidate. */
export interface Outcome {
  readonly index: bigint;
  readonly duplicate: boolean;
  /** Only of leaves that this batch has written; older ones are to be looked up. */
  readonly timestampMs: bigint | undefined;
}

export interface BatchResult {
  /** In the order of the candidates. */
  readonly outcomes: readonly Outcome[];
  /** The edge as of the committed head. */
  readonly edge: RightEdge;
  readonly dirty: Growth['dirty'];
}

/** COMMIT failed in a way that does not say whether it happened. */
export class AmbiguousCommit extends Error {
  override readonly name = 'AmbiguousCommit';
}

interface HeadRow extends TreeHead {
  readonly epoch: string;
  readonly stampedMs: bigint;
}

/** 16 octets under which a search key is looked up. */
export function searchKeyHash(key: string): Uint8Array {
  return sha256(fromUtf8(key)).subarray(0, 16);
}

/** Steps 1 and 2 in one round trip. Everything is a literal number, so the simple protocol is safe. */
async function lockHead(client: PoolClient, shard: number): Promise<HeadRow> {
  // Without these the planner reads a young deduplication table from end to end, under the lock.
  const answer: unknown = await client.query(
    `BEGIN; SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off;
     SELECT size, root, epoch, stamped_ms FROM log_head WHERE shard = ${shard} FOR UPDATE`,
  );
  interface Row {
    size: string;
    root: Buffer;
    epoch: string;
    stamped_ms: string;
  }
  const row = (answer as readonly { rows: readonly Row[] }[]).at(-1)?.rows[0];
  if (row === undefined) throw new Fault('corrupt', 'tree/head-missing', `log ${shard} has no head row`);
  return { size: BigInt(row.size), root: row.root, epoch: row.epoch, stampedMs: BigInt(row.stamped_ms) };
}

async function findKnown(
  client: PoolClient,
  shard: number,
  candidates: readonly Candidate[],
): Promise<ReadonlyMap<string, bigint>> {
  const { rows } = await client.query<{ key: Buffer; idx: string }>(
    // LATERAL with OFFSET: one index look-up per key, whatever the planner believes. A join would be hashed over the
    // whole table, which is fast while the log is small and stops it when it is large.
    `SELECT wanted.key, known.idx FROM unnest($2::bytea[]) AS wanted(key)
      CROSS JOIN LATERAL (SELECT d.idx FROM log_dedup d WHERE d.key = wanted.key AND d.shard = $1 OFFSET 0) AS known`,
    [shard, byteaArray(candidates.map(({ identity }) => bytea(identity)))],
  );
  return new Map(rows.map(({ key, idx }) => [toHex(key), BigInt(idx)]));
}

async function copyLeaves(
  client: PoolClient,
  shard: number,
  first: bigint,
  stampedMs: bigint,
  fresh: readonly Candidate[],
): Promise<void> {
  const id = int4(shard);
  const stamp = int8(stampedMs);
  const leaves: Field[][] = [];
  const keys: Field[][] = [];
  const searches: Field[][] = [];
  const attachments: Field[][] = [];
  fresh.forEach(({ leaf, leafHash, identity }, offset) => {
    const index = int8(first + BigInt(offset));
    const extra = leaf.extra === undefined ? null : bytea(leaf.extra);
    leaves.push([id, index, bytea(leafHash), text(leaf.kind), stamp, bytea(leaf.body), extra]);
    keys.push([id, bytea(leafHash), index]);
    if (!equalOctets(leafHash, identity)) keys.push([id, bytea(identity), index]);
    if (leaf.attachment !== undefined) {
      const { digest, octets } = leaf.attachment;
      attachments.push([id, index, bytea(digest), bytea(octets)]);
    }
    for (const key of new Set(leaf.searchKeys)) searches.push([bytea(searchKeyHash(key)), id, index]);
  });
  await copyRows(client, 'log_leaf (shard, idx, leaf_hash, kind, stamped_ms, body, extra)', leaves);
  await copyRows(client, 'log_dedup (shard, key, idx)', keys);
  await copyRows(client, 'log_index (key_hash, shard, idx)', searches);
  await copyRows(client, 'log_attachment (shard, idx, digest, octets)', attachments);
}

async function writeTiles(
  client: PoolClient,
  shard: number,
  tiles: readonly (readonly [TileId, HashTile])[],
): Promise<void> {
  const rows: string[] = [];
  const values: unknown[] = [shard];
  for (const [{ level, n }, tile] of tiles) {
    values.push(level, n.toString(), tile.width, bytea(tile.bytes()));
    const last = values.length;
    rows.push(`($1, $${last - 3}, $${last - 2}, $${last - 1}, $${last})`);
  }
  await client.query(
    `INSERT INTO log_tile (shard, level, n, width, data) VALUES ${rows.join(', ')}
     ON CONFLICT (shard, level, n) DO UPDATE SET width = excluded.width, data = excluded.data`,
    values,
  );
}

async function moveHead(
  client: PoolClient,
  shard: number,
  from: HeadRow,
  to: TreeHead,
  stampedMs: bigint,
): Promise<void> {
  const { rowCount } = await client.query(
    `UPDATE log_head SET size = $2, root = $3, stamped_ms = $4 WHERE shard = $1 AND size = $5 AND epoch = $6`,
    [shard, to.size.toString(), bytea(to.root), stampedMs.toString(), from.size.toString(), from.epoch],
  );
  if (rowCount !== 1) {
    throw new Fault('unavailable', 'tree/head-moved', 'the head moved under our lock; try again', {
      retryAfterSeconds: 1,
    });
  }
}

/** A standby that lagged and was promoted, or a backup that was restored under us, has a smaller tree. */
function assertNotBehind(head: TreeHead, reached: TreeHead): void {
  if (head.size > reached.size || (head.size === reached.size && equalOctets(head.root, reached.root)))
    return;
  throw new Fault(
    'corrupt',
    'tree/rolled-back',
    `the database has a tree of ${head.size}, but had one of ${reached.size} before; was a backup restored, or a ` +
      'standby promoted that lagged? Nothing is signed. Restore the newer database',
  );
}

/** Sequences batches of one tree; remembers nothing but what it is handed. */
export class BatchSequencer {
  readonly #pool: Pool;
  readonly #shard: number;
  readonly #barrier: Barrier;

  constructor(pool: Pool, shard: number, barrier: Barrier) {
    this.#pool = pool;
    this.#shard = shard;
    this.#barrier = barrier;
  }

  /**
   * Sequences `candidates` after `edge`, the edge as this replica last knew it; the tree must have grown to
   * `reached` at least.
   *
   * @throws {AmbiguousCommit} offer the batch again with `perhapsCommitted`
   * @throws {Fault} of kind corrupt: the stored tree contradicts itself, and the writer must stop
   */
  async run(
    candidates: readonly Candidate[],
    edge: RightEdge | undefined,
    reached: TreeHead | undefined,
    nowMs: number,
  ): Promise<BatchResult> {
    return await withConnection(this.#pool, async (client) => {
      try {
        return { value: await this.#transact(client, candidates, edge, reached, nowMs), reusable: true };
      } catch (error) {
        // A connection that cannot even ROLLBACK, or whose COMMIT is in doubt, is given to nobody else.
        const reusable =
          !(error instanceof AmbiguousCommit) &&
          (await client.query('ROLLBACK').then(
            () => true,
            () => false,
          ));
        return { error, reusable };
      }
    });
  }

  async #transact(
    client: PoolClient,
    candidates: readonly Candidate[],
    known: RightEdge | undefined,
    reached: TreeHead | undefined,
    nowMs: number,
  ): Promise<BatchResult> {
    const shard = this.#shard;
    const head = await lockHead(client, shard);
    if (reached !== undefined) assertNotBehind(head, reached);
    const unmoved =
      known !== undefined && known.head.size === head.size && equalOctets(known.head.root, head.root);
    const edge = unmoved ? known : await RightEdge.read(client, shard, head);
    await this.#barrier('locked');

    const places = await findKnown(client, shard, candidates);
    await this.#barrier('known');
    const placeOf = (identity: Uint8Array): bigint | undefined =>
      places.size === 0 ? undefined : places.get(toHex(identity));
    const fresh = candidates.filter(({ identity }) => placeOf(identity) === undefined);
    // Time as the log tells it never goes back, whatever the machine's clock does.
    const stampedMs = BigInt(nowMs) > head.stampedMs ? BigInt(nowMs) : head.stampedMs;

    let next = head.size;
    const outcomes = candidates.map(({ identity, perhapsCommitted }): Outcome => {
      const index = placeOf(identity);
      if (index === undefined) return { index: next++, duplicate: false, timestampMs: stampedMs };
      return { index, duplicate: !perhapsCommitted, timestampMs: undefined };
    });
    if (fresh.length === 0) {
      await client.query('ROLLBACK');
      return { outcomes, edge, dirty: [] };
    }

    const growth = edge.grow(fresh.map(({ leafHash }) => leafHash));
    await this.#barrier('grown');
    await copyLeaves(client, shard, head.size, stampedMs, fresh);
    await writeTiles(client, shard, growth.dirty);
    await moveHead(client, shard, head, growth.head, stampedMs);
    await this.#barrier('copied');

    try {
      await client.query('COMMIT');
    } catch (cause) {
      throw new AmbiguousCommit('the answer to COMMIT was lost', { cause });
    }
    return { outcomes, edge: growth.edge, dirty: growth.dirty };
  }
}
