/** How many signatures each book holds, and whose. */
import type { Pool } from 'pg';
import { sha256 } from '#core/crypto';
import { fromBase64, toHex } from '#core/octets';
import { parseTufFile } from '#core/tuf';
import type { Purpose } from '#hsm';
import type { TrustMaterial } from '#instance';
import type { RepositoryDirectory } from '#trust-root';
import type { Book, Relation } from './reconcile-uses.js';

interface Figures {
  readonly trees: ReadonlyMap<string, bigint>;
  readonly checkpoints: ReadonlyMap<string, bigint>;
  readonly promises: ReadonlyMap<string, bigint>;
  readonly precertificates: bigint;
  readonly intents: bigint;
  readonly anchors: bigint;
}

async function byTree(pool: Pool, figure: string): Promise<ReadonlyMap<string, bigint>> {
  const { rows } = await pool.query<{ name: string; rows: string }>(
    `SELECT s.name, (${figure}) AS rows FROM log_shard s`,
  );
  return new Map(rows.map((row) => [row.name, BigInt(row.rows)]));
}

async function one(pool: Pool, query: string): Promise<bigint> {
  const { rows } = await pool.query<{ rows: string }>(query);
  return BigInt(rows[0]?.rows ?? 0);
}

async function figuresOf(pool: Pool): Promise<Figures> {
  return {
    trees: await byTree(pool, 'SELECT size FROM log_head WHERE shard = s.id'),
    checkpoints: await byTree(pool, 'SELECT count(*) FROM log_checkpoint WHERE shard = s.id'),
    promises: await byTree(pool, 'SELECT count(*) FROM log_set WHERE shard = s.id'),
    precertificates: await one(
      pool,
      `SELECT count(*) AS rows FROM log_leaf l JOIN log_shard s ON s.id = l.shard
        WHERE s.name LIKE 'ct/%' AND l.kind = 'ct/precertificate'`,
    ),
    intents: await one(pool, `SELECT count(*) AS rows FROM ca_issuance WHERE decision = 'issue'`),
    anchors: await one(pool, 'SELECT count(*) AS rows FROM audit_anchor'),
  };
}

type Key = TrustMaterial['audit'];

function digests(...keys: readonly Pick<Key, 'spki'>[]): readonly string[] {
  return [...new Set(keys.map(({ spki }) => toHex(sha256(fromBase64(spki)))))];
}

/** Every book of this installation, for every key in its trust material. */
export async function booksOf(
  pool: Pool,
  material: TrustMaterial,
  repository: Pick<RepositoryDirectory, 'read'>,
): Promise<readonly Book[]> {
  const { trees, checkpoints, promises, precertificates, intents, anchors } = await figuresOf(pool);
  const { certificateAuthorities, timestampAuthorities, ctLogs, rekorV1, rekorV2, audit, transcript, tuf } =
    material;
  const authorities = digests(...certificateAuthorities.map(({ key }) => key));
  const of = (figures: ReadonlyMap<string, bigint>, ...names: readonly string[]): bigint =>
    names.reduce((all, name) => all + (figures.get(name) ?? 0n), 0n);
  const { snapshot, timestamp } = await repository.read();
  const begun = [...trees].filter(([name, size]) => name.startsWith('rekor-') && size > 0n).length;

  const book = (
    name: string,
    purpose: Purpose,
    relation: Relation,
    keys: readonly string[],
    rows: bigint,
  ): Book => ({
    name,
    purpose,
    relation,
    keys,
    rows,
  });
  const time = digests(...timestampAuthorities.map(({ key }) => key));
  const versions = {
    snapshot: BigInt(parseTufFile(snapshot, 'snapshot').signed.version),
    timestamp: BigInt(parseTufFile(timestamp, 'timestamp').signed.version),
  };
  const books: Book[] = [
    book('issuance records', 'precertificate', 'intents', authorities, intents),
    book('precertificates in the certificate logs', 'certificate', 'intents', authorities, precertificates),
    book('ledger of timestamps', 'timestamp-token', 'each', time, of(trees, 'timestamp/1')),
    book(
      'heads of audit trail and ledger',
      'checkpoint',
      'repeats',
      digests(audit),
      of(checkpoints, 'audit/1', 'timestamp/1'),
    ),
    book('anchors of the audit trail', 'audit-anchor', 'each', digests(audit), anchors),
    book('first entries of the logs', 'genesis-statement', 'each', digests(transcript), BigInt(begun)),
    book('versions of snapshot.json', 'tuf-snapshot', 'each', digests(tuf.snapshot), versions.snapshot),
    book('versions of timestamp.json', 'tuf-timestamp', 'each', digests(tuf.timestamp), versions.timestamp),
  ];
  for (const { name, key } of ctLogs) {
    const [tree, keys] = [`ct/${name}`, digests(key)];
    books.push(
      book(`leaves of ${tree}`, 'sct', 'repeats', keys, of(trees, tree)),
      book(`heads of ${tree}`, 'tree-head', 'repeats', keys, of(checkpoints, tree)),
    );
  }
  for (const { name, key } of rekorV1) {
    const [tree, keys] = [`rekor-v1/${name}`, digests(key)];
    books.push(
      book(`promises of ${tree}`, 'entry-timestamp', 'each', keys, of(promises, tree)),
      book(`heads of ${tree}`, 'checkpoint', 'repeats', keys, of(checkpoints, tree)),
    );
  }
  for (const { name, key } of rekorV2) {
    const tree = `rekor-v2/${name}`;
    books.push(book(`heads of ${tree}`, 'checkpoint', 'repeats', digests(key), of(checkpoints, tree)));
  }
  return books;
}
