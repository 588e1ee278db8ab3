/**
 * Opens the trees of both faces as the ceremonies named them.
 *
 * In v1, the shard that began last takes new entries; in v2, where each shard is a host name of its own, every one
 * whose window has no end. All others are frozen, and readable for ever.
 */
import { parsePublicKey } from '#core/crypto';
import { canonicalJson, parseJson } from '#core/json';
import { v1LogId, v2LogId } from '#core/note';
import { fromBase64, fromUtf8, toHex } from '#core/octets';

import { hostOf, type TrustMaterial } from '#instance';
import type { Metrics } from '#platform';
import type { Pool } from 'pg';
import type { Tree, Trees } from '#tree';
import type { EntryChecker } from './checked-entry.js';
import { v1GenesisRequest, v2GenesisRequest, writeGenesisEntry } from './genesis-entry.js';
import { promiseChecker } from './log-trees.js';
import { noteFormat } from './note-format.js';
import {
  onlineHeadSigner,
  onlineSigner,
  retiredHeadSigner,
  retiredSigner,
  type SignerSource,
} from './online-signer.js';
import { EntryPromises } from './v1/entry-promises.js';
import { SetStore } from './v1/set-store.js';
import { V1Log, type V1Shard } from './v1/v1-log.js';
import { V2Log, V2Shard } from './v2/v2-log.js';

export interface OpeningParts {
  readonly trees: Trees;
  readonly hsm: SignerSource;
  readonly pool: Pool;
  readonly material: TrustMaterial;
  readonly checker: EntryChecker;
  readonly metrics: Metrics;
  /** How many signed entry timestamps of v1 may be at the token at once: 8 by default, 0 makes none. */
  readonly timestampsAtOnce?: number;
}

/** As many as the agent of a token holds sessions. */
const TIMESTAMPS_AT_ONCE = 8;

interface Windowed {
  readonly start: string;
  readonly end?: string | undefined;
}

/**
 * Leaves in a shard, signed for or not. What is frozen before this is asked has grown for the last time, so every
 * replica numbers the entries of the next shard alike, even while the token is away and nothing can be signed.
 */
async function committedSize(pool: Pool, tree: Tree): Promise<bigint> {
  const { rows } = await pool.query<{ size: string }>('SELECT size FROM log_head WHERE shard = $1', [
    tree.shard,
  ]);
  return BigInt(rows[0]?.size ?? 0);
}

/** Oldest first. */
function byStart<T extends Windowed>(shards: readonly T[]): T[] {
  return [...shards].sort((a, b) => Date.parse(a.start) - Date.parse(b.start));
}

export async function openV1Log({
  trees,
  hsm,
  pool,
  material,
  checker,
  metrics,
  timestampsAtOnce = TIMESTAMPS_AT_ONCE,
}: OpeningParts): Promise<V1Log> {
  const published = metrics.counter('rekor_checkpoint_publish', 'Checkpoints published; code 0 is success', [
    'shard',
    'code',
  ]);
  const shards: V1Shard[] = [];
  let offset = 0n;
  const records = byStart(material.rekorV1);
  for (const [at, { name, url, treeId, origin, key }] of records.entries()) {
    const frozen = at < records.length - 1;
    const signer = frozen
      ? retiredSigner(hsm, key, 'entry-timestamp')
      : await onlineSigner(hsm, key, 'entry-timestamp');
    const heads = frozen ? retiredHeadSigner(hsm, key, origin) : await onlineHeadSigner(hsm, key, origin);
    const tree = await trees.open({
      name: `rekor-v1/${name}`,
      origin,
      treeId: BigInt(treeId),
      format: noteFormat('v1', hostOf(url), origin, heads),
      frozen,
      rules: { verifyPromise: promiseChecker(fromBase64(key.spki), offset), searchable: true },
      published: () => published.inc({ shard: treeId, code: '0' }),
    });
    shards.push({
      treeId: BigInt(treeId),
      tree,
      signer,
      logId: toHex(v1LogId(parsePublicKey(fromBase64(key.spki)))),
      sets: new SetStore(pool, tree.shard),
      offset,
    });
    offset += await committedSize(pool, tree);
  }
  const entries = metrics.counter('rekor_new_entries', 'Entries added to the v1 log', ['kind']);
  const promises = timestampsAtOnce === 0 ? undefined : new EntryPromises(timestampsAtOnce);
  const log = new V1Log(shards, checker, promises, (kind) => entries.inc({ kind }));
  const transcript = await onlineSigner(hsm, material.transcript, 'genesis-statement');
  await writeGenesisEntry(
    pool,
    log.active.tree,
    statementOf(material),
    transcript,
    v1GenesisRequest,
    (body) => log.append(body),
  );
  return log;
}

/** What the first entry of each shard vouches for: the trust material as the ceremonies left it. */
function statementOf(material: TrustMaterial): Uint8Array {
  return canonicalJson(parseJson(fromUtf8(JSON.stringify(material))));
}

export async function openV2Log({
  trees,
  hsm,
  pool,
  material,
  checker,
  metrics,
}: OpeningParts): Promise<V2Log> {
  const entries = metrics.counter('rekor_v2_new_hashedrekord_entries', 'Entries added to the v2 log');
  const envelopes = metrics.counter(
    'rekor_v2_new_dsse_entries',
    'Entries of kind dsse added to the v2 log, which the settings allow or not',
  );
  const unproven = metrics.counter(
    'rekor_v2_inclusion_proof_failure_total',
    'Entries that could not be proved in their own log; anything but zero is a catastrophe',
  );
  const shards: V2Shard[] = [];
  for (const { name, url, origin, key, end } of byStart(material.rekorV2)) {
    const frozen = end !== undefined;
    const signer = frozen ? retiredHeadSigner(hsm, key, origin) : await onlineHeadSigner(hsm, key, origin);
    const tree = await trees.open({
      name: `rekor-v2/${name}`,
      origin,
      format: noteFormat('v2', origin, origin, signer),
      frozen,
      rules: { searchable: true },
      proofFailed: () => unproven.inc(),
    });
    const keyId = v2LogId(origin, parsePublicKey(fromBase64(key.spki)));
    const shard = new V2Shard(hostOf(url), tree, keyId, checker, (kind) =>
      (kind === 'dsse' ? envelopes : entries).inc(),
    );
    const transcript = await onlineSigner(hsm, material.transcript, 'genesis-statement');
    const never = new AbortController().signal;
    await writeGenesisEntry(pool, tree, statementOf(material), transcript, v2GenesisRequest, (body) =>
      shard.append(body, never),
    );
    shards.push(shard);
  }
  return new V2Log(shards);
}
