/** The trees of an installation as its settings, its trust material and its database name them, opened for reading. */
import { join } from 'node:path';
import type { Pool } from 'pg';
import { auditTree, BoundaryStore, instant } from '#audit';
import { sha256, useProfile } from '#core/crypto';
import { Fault, isFault } from '#core/fault';
import { fromBase64 } from '#core/octets';
import { ctTrees } from '#ct';
import { journalDirectory, readJournalHead } from '#hsm';
import { loadInstance, loadTrustMaterial } from '#instance';
import { logTrees } from '#log';
import { createLogger, loadSettings, openPool, type Settings } from '#platform';
import { ledgerTree } from '#timestamp';
import { type Claim, type KnownTree, TileFilesReader, type TreeUnderCheck } from '#tree';

export interface KeptTree {
  readonly known: KnownTree;
  readonly under: TreeUnderCheck;
}

export interface KeptTrees {
  readonly settings: Settings;
  readonly pool: Pool;
  readonly trees: readonly KeptTree[];
  /** Trees of the database that the trust material does not name: nobody can say who signs them. */
  readonly unknown: readonly string[];
  /** Trees of the trust material that have never been opened. */
  readonly unborn: readonly string[];
}

/** Reads as the runtime role; the log goes to standard error, where it disturbs no report. */
export async function openKeptTrees(settingsFile: string, connections: number): Promise<KeptTrees> {
  const settings = loadSettings(settingsFile);
  useProfile(settings.crypto.profile);
  const { services } = loadInstance(settings);
  const material = loadTrustMaterial(settings);
  const logger = createLogger(
    { log: { level: 'error' }, mode: settings.mode },
    { write: (line) => process.stderr.write(line) },
  );
  const pool = openPool({ ...settings.database, connections }, logger);
  try {
    const { rows } = await pool.query<{ id: number; name: string; size: string | null }>(
      'SELECT s.id, s.name, h.size FROM log_shard s LEFT JOIN log_head h ON h.shard = s.id ORDER BY s.name',
    );
    const sizes = new Map(rows.map(({ name, size }) => [name, BigInt(size ?? 0)]));
    const known = [
      ...logTrees(material, (name) => sizes.get(name) ?? 0n),
      ...ctTrees(material),
      ledgerTree(services, material),
      auditTree(services, material),
    ];
    const trees = rows.flatMap(({ id, name }): KeptTree[] => {
      const tree = known.find((one) => one.name === name);
      if (tree === undefined) return [];
      const files = new TileFilesReader(join(settings.stateDir, 'tiles', name));
      return [{ known: tree, under: { name, shard: id, rules: tree.rules, files } }];
    });
    return {
      settings,
      pool,
      trees,
      unknown: rows.map(({ name }) => name).filter((name) => !known.some((tree) => tree.name === name)),
      unborn: known.map(({ name }) => name).filter((name) => !sizes.has(name)),
    };
  } catch (error) {
    await pool.end();
    throw error;
  }
}

/** Heads of a tree that stand elsewhere: in the signing journal, at the boundaries, beside the files of this host. */
export async function claimsOf(
  { settings, pool }: Pick<KeptTrees, 'settings' | 'pool'>,
  { known, under }: KeptTree,
): Promise<readonly Claim[]> {
  const claims: Claim[] = [];
  const { origin, spki } = known.signedBy;
  const journal = await readJournalHead({
    directory: journalDirectory(settings),
    key: sha256(spki),
    origin,
  });
  if (journal !== undefined) claims.push({ ...journal, by: 'the signing journal of this host' });
  const newest = parseNewest(await under.files?.newest());
  if (newest !== undefined) claims.push({ ...newest, by: 'the published files of this host' });
  for (const { dueMs, size, root, note } of await new BoundaryStore(pool).heads(known.name)) {
    claims.push({ size, root, note, by: `the boundary ${instant(dueMs)}` });
  }
  return claims;
}

/** A power cut may leave the file empty, since it is not synced: that is no contradiction. */
function parseNewest(text: string | undefined): { size: bigint; root: Uint8Array } | undefined {
  const [size = '', root = '', end] = (text ?? '').split('\n');
  if (end !== '' || !/^\d{1,19}$/.test(size)) return undefined;
  try {
    return { size: BigInt(size), root: fromBase64(root) };
  } catch (error) {
    if (isFault(error)) return undefined;
    throw error;
  }
}

/** @throws {Fault} cli/no-tree */
export function chooseTrees({ trees }: KeptTrees, name: string | undefined): readonly KeptTree[] {
  if (name === undefined) return trees;
  const chosen = trees.filter(({ known }) => known.name === name);
  if (chosen.length > 0) return chosen;
  const names = trees.map(({ known }) => known.name).join(', ');
  throw new Fault('absent', 'cli/no-tree', `there is no tree ${name}; there are: ${names}`);
}
