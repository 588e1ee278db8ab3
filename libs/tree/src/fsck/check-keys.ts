/**
 * Deduplication keys: each leaf is found under its hash and, where it has one, under its identity. Who is missing here
 * would be logged twice.
 *
 * The database joins by itself, from the leaf to its key: the column that it joins over has been compared with the
 * bodies in the same snapshot, and leaves whose column is wrong are asked for one by one.
 */
import type { ClientBase } from 'pg';
import { bytea, byteaArray } from '../copy-rows.js';
import type { LeafRange } from './check-leaves.js';
import { type Findings, hex } from './finding.js';

export interface LeafKey {
  readonly key: Uint8Array;
  readonly index: bigint;
}

const AT_ONCE = 1024;

function report(
  findings: Findings,
  index: string,
  key: Uint8Array,
  column: string,
  found: string | null,
): void {
  findings.add({
    what: 'key/missing',
    at: { index, key: hex(key), column },
    expected: `leaf ${index} under this key`,
    found: found === null ? 'no row' : `leaf ${found}`,
  });
}

/** Keys of `wanted` that do not lead to their leaf; reports them and answers how many have no row at all. */
export async function unfoundKeys(
  client: ClientBase,
  shard: number,
  wanted: readonly LeafKey[],
  column: string,
  findings: Findings,
): Promise<number> {
  let missing = 0;
  for (let at = 0; at < wanted.length; at += AT_ONCE) {
    const some = wanted.slice(at, at + AT_ONCE);
    const { rows } = await client.query<{ place: string; found: string | null }>(
      `SELECT w.place - 1 AS place, d.idx AS found
         FROM unnest($2::bytea[], $3::bigint[]) WITH ORDINALITY AS w(key, idx, place)
         LEFT JOIN LATERAL (SELECT idx FROM log_dedup d WHERE d.key = w.key AND d.shard = $1 OFFSET 0) AS d ON true
        WHERE d.idx IS DISTINCT FROM w.idx`,
      [shard, byteaArray(some.map(({ key }) => bytea(key))), some.map(({ index }) => index.toString())],
    );
    for (const { place, found } of rows) {
      const one = some[Number(place)];
      if (one === undefined) continue;
      if (found === null) missing++;
      report(findings, one.index.toString(), one.key, column, found);
    }
  }
  return missing;
}

/** As `unfoundKeys`, for the hashes of all leaves of `range`; those of `doubted` are what the caller says. */
export async function missingKeys(
  client: ClientBase,
  shard: number,
  { start, end }: LeafRange,
  doubted: readonly LeafKey[],
  findings: Findings,
): Promise<number> {
  const { rows } = await client.query<{ idx: string; leaf_hash: Buffer; found: string | null }>(
    // LATERAL with OFFSET: one index look-up per leaf, whatever the planner believes.
    `SELECT l.idx, l.leaf_hash, d.idx AS found FROM log_leaf l
       LEFT JOIN LATERAL (SELECT idx FROM log_dedup d
                           WHERE d.key = l.leaf_hash AND d.shard = $1 OFFSET 0) AS d ON true
      WHERE l.shard = $1 AND l.idx >= $2 AND l.idx < $3 AND d.idx IS DISTINCT FROM l.idx
      ORDER BY l.idx LIMIT 10000`,
    [shard, start.toString(), end.toString()],
  );
  const elsewhere = new Set(doubted.map(({ index }) => index.toString()));
  let missing = await unfoundKeys(client, shard, doubted, 'leaf_hash', findings);
  for (const { idx, leaf_hash: hash, found } of rows) {
    if (elsewhere.has(idx)) continue;
    if (found === null) missing++;
    report(findings, idx, hash, 'leaf_hash', found);
  }
  return missing;
}
