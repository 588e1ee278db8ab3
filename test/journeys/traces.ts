/**
 * What a refused request must not leave behind: rows in any table, or growth of any tree that the world can see.
 *
 * The audit trail is the exception, and not counted: that a proven identity was refused is what it is for, and the
 * appliance writes in it by itself.
 */
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { parse } from 'yaml';
import { installation } from '../kit/index.js';
import { ctKey } from './trust.js';
import { ask } from './wire.js';

/** These change by themselves: heads are signed again, and what has expired is swept out. */
const RESTLESS = new Set(['log_checkpoint', 'log_undelivered', 'oidc_record']);
const AUDIT = /^(audit|boundary)_/;
const OF_A_SHARD = new Set(['log_dedup', 'log_index', 'log_leaf', 'log_set', 'log_tile']);
const NOT_AUDIT = `WHERE shard NOT IN (SELECT id FROM log_shard WHERE name LIKE 'audit/%')`;

/** The installation's database as its owner, who may read everything. */
export async function onDatabase<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
  const { database } = parse(readFileSync(installation().settings, 'utf8')) as {
    database: { host: string; port: number; name: string; ownerUser: string };
  };
  const { host, port, name, ownerUser } = database;
  const client = new pg.Client({ host, port, database: name, user: ownerUser });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

export function tablesOf(client: pg.Client): Promise<string[]> {
  return client
    .query<{ relname: string }>(
      `SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
       WHERE nspname = 'public' AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY 1`,
    )
    .then(({ rows }) => rows.map(({ relname }) => relname));
}

export interface PublicSizes {
  readonly v1: number;
  readonly v2: number;
  readonly ct: number;
}

export async function publicSizes(): Promise<PublicSizes> {
  const { origin, shardOrigin } = installation();
  const [v1, v2, ct] = await Promise.all([
    ask(origin, { path: '/api/v1/log' }),
    ask(shardOrigin, { path: '/api/v2/checkpoint' }),
    ask(origin, { path: `${new URL(ctKey().baseUrl).pathname}/ct/v1/get-sth` }),
  ]);
  return {
    v1: (JSON.parse(v1.text) as { treeSize: number }).treeSize,
    v2: Number(v2.text.split('\n')[1]),
    ct: (JSON.parse(ct.text) as { tree_size: number }).tree_size,
  };
}

async function rows(): Promise<Record<string, number>> {
  return onDatabase(async (client) => {
    const counts: Record<string, number> = {};
    for (const table of await tablesOf(client)) {
      if (RESTLESS.has(table) || AUDIT.test(table)) continue;
      const { rows: found } = await client.query<{ count: string }>(
        `SELECT count(*) FROM ${pg.escapeIdentifier(table)} ${OF_A_SHARD.has(table) ? NOT_AUDIT : ''}`,
      );
      counts[table] = Number(found[0]?.count);
    }
    return counts;
  });
}

/** Everything countable. Waits until what was accepted before is in signed trees. */
export async function traces(): Promise<{
  readonly rows: Record<string, number>;
  readonly sizes: PublicSizes;
}> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const before = await rows();
    const sizes = await publicSizes();
    const after = await rows();
    const published = sizes.v1 + sizes.v2 + sizes.ct;
    // One more tree is not public: the ledger of timestamps.
    const ledger = await onDatabase(async (client) => {
      const { rows: found } = await client.query<{ size: string }>(
        `SELECT sum(size) AS size FROM log_head JOIN log_shard ON id = shard WHERE name ~ '^(rekor|ct)'`,
      );
      return Number(found[0]?.size);
    });
    if (JSON.stringify(before) === JSON.stringify(after) && (published === ledger || Date.now() > deadline)) {
      return { rows: after, sizes };
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** A file of refusals takes less than this, also on a machine that does other things. */
const COMPARED_WITHIN_S = 100;
/** By then the boundary of an hour is made. */
const BOUNDARY_TAKES_S = 20;
/** For whoever calls it in a hook. */
export const TRACES_BEFORE_MS = 1000 * (COMPARED_WITHIN_S + BOUNDARY_TAKES_S + 30);

/** As `traces`, at a time when no full hour is near: its boundary writes an entry of its own into v1. */
export async function tracesBefore(): ReturnType<typeof traces> {
  for (;;) {
    const second = Math.floor(Date.now() / 1000) % 3600;
    if (second >= BOUNDARY_TAKES_S && second < 3600 - COMPARED_WITHIN_S) return await traces();
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}
