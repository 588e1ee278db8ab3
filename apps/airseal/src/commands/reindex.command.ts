/**
 * `airseal log reindex`: derives the search index of both faces again from their trees, and compares or mends it.
 *
 * It reads beside a running appliance. After each range the place is written down (`reindex.json` in the state
 * directory); an interrupted run goes on with `--resume`. Mending takes the owner of the tables, whom the settings name.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import pg from 'pg';
import { RecordEvent } from '#audit';
import { Fault } from '#core/fault';
import { fromHex, toHex } from '#core/octets';
import { connectionOptions, systemClock, type Settings } from '#platform';
import { formatPlace, type IndexPlace, MendIndex, parsePlace } from '#search';
import { chooseTrees, openKeptTrees } from '../fsck/kept-trees.js';
import { print, progress } from '../output.js';
import { flag, readJson, settingsPath } from '../places.js';
import type { Flags } from '../verb.js';
import { type ComparedTree, compareTree } from '../reindex.js';

const FORMAT = 'airseal/reindex/v1';
const NODE = 'airseal log reindex';

interface Written {
  readonly format: typeof FORMAT;
  readonly rebuild: boolean;
  readonly tree: string | null;
  readonly done: readonly Report[];
  readonly current?: {
    readonly tree: string;
    readonly size: string;
    readonly root: string;
    readonly place: object;
  };
}

function formatCompared({ tree, head, note, place, mended, equal, interrupted }: ComparedTree) {
  return {
    tree,
    size: (head?.size ?? 0n).toString(),
    rootHash: head === undefined ? null : toHex(head.root),
    checkpoint: note,
    leaves: place?.counts.leaves ?? 0,
    statements: place?.counts.statements ?? 0,
    rows: place?.counts.rows ?? 0,
    differences: { ...(place?.counts.differences ?? { missing: 0, extra: 0, unproven: 0, statement: 0 }) },
    named: (place?.named ?? []).map(({ what, index, key }) => ({ what, index: index.toString(), key })),
    mended,
    equal,
    interrupted,
  };
}
type Report = ReturnType<typeof formatCompared>;

function write(path: string, written: Written): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, `${JSON.stringify(written)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** @throws {Fault} cli/reindex-place, cli/file-not-found */
function readWritten(path: string, tree: string | undefined, rebuild: boolean): Written {
  const written = readJson(path, 'place of an interrupted run') as Partial<Written>;
  const same =
    written.format === FORMAT &&
    Array.isArray(written.done) &&
    (written.tree ?? undefined) === tree &&
    written.rebuild === rebuild;
  if (!same) {
    throw new Fault(
      'conflict',
      'cli/reindex-place',
      `${path} is of another run: give the flags as they were then, or begin anew without --resume`,
    );
  }
  return written as Written;
}

/** The version of this build, as its package names it. */
function version(): string {
  const path = resolve(import.meta.dirname, '..', '..', '..', '..', '..', 'package.json');
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}

async function openMending(settings: Settings): Promise<{ mend: MendIndex; close(): Promise<void> }> {
  const owner = new pg.Client(connectionOptions(settings.database, 'owner'));
  await owner.connect();
  const record = new RecordEvent({
    clock: systemClock,
    random: (length) => randomBytes(length),
    node: `${hostname()}: ${NODE}`,
    version: version(),
  });
  return { mend: new MendIndex(owner, record), close: () => owner.end() };
}

export async function reindexLogs(_operands: string[], flags: Flags): Promise<void> {
  const rebuild = flags['rebuild'] === true;
  if (rebuild === (flags['check'] === true))
    throw new Fault('malformed', 'cli/flags', 'say --check to compare, or --rebuild to mend what differs');
  const tree = flag(flags, 'tree');
  const kept = await openKeptTrees(settingsPath(flags), 2);
  const path = join(kept.settings.stateDir, 'reindex.json');
  const stop = new AbortController();
  const interrupt = (): void => stop.abort();
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  const reports: Report[] = [];
  let owner: Awaited<ReturnType<typeof openMending>> | undefined;
  try {
    owner = rebuild ? await openMending(kept.settings) : undefined;
    const before = flags['resume'] === true ? readWritten(path, tree, rebuild) : undefined;
    reports.push(...(before?.done ?? []));
    for (const one of chooseTrees(kept, tree)) {
      const { name, rules } = one.known;
      if (rules.searchable !== true || reports.some((report) => report.tree === name)) continue;
      const place: Written = { format: FORMAT, rebuild, tree: tree ?? null, done: reports };
      const from = before?.current?.tree === name ? before.current : undefined;
      const compared = await compareTree(one, {
        pool: kept.pool,
        mend: owner?.mend,
        signal: stop.signal,
        from:
          from === undefined
            ? undefined
            : {
                head: { size: BigInt(from.size), root: fromHex(from.root) },
                place: parsePlace(from.place),
              },
        reached: (head, now) => {
          const at = { tree: name, size: head.size.toString(), root: toHex(head.root) };
          write(path, { ...place, current: { ...at, place: formatPlace(now) } });
          say(name, now, head.size);
        },
      });
      reports.push(formatCompared(compared));
      if (compared.interrupted) break;
      write(path, { ...place, done: reports });
    }
    if (!reports.some(({ interrupted }) => interrupted)) rmSync(path, { force: true });
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    await owner?.close();
    await kept.pool.end();
  }
  answer(flags, reports, path);
}

function say(tree: string, { next }: IndexPlace, size: bigint): void {
  progress(`${tree}: ${next} of ${size} leaves (${(next * 100n) / (size === 0n ? 1n : size)} %)`);
}

function text(report: Report): string[] {
  const { tree, size, leaves, rows, statements, differences, mended, equal, interrupted, named } = report;
  const { missing, extra, unproven, statement } = differences;
  return [
    `${tree}: ${leaves} leaves, ${statements} statements, ${rows} rows of the index${interrupted ? ', INTERRUPTED' : ''}`,
    ...named.map(({ what, index, key }) => `  ${what} at ${index}: ${key}`),
    ...(mended > 0 ? [`  mended: ${mended} rows, then compared again`] : []),
    equal
      ? `  equal to what the leaves say, up to the checkpoint of ${size}${unproven > 0 ? `; ${unproven} rows are of envelopes that are not held` : ''}`
      : `  DIFFERS: ${missing} rows missing, ${extra} too many, ${statement} statements that are not the logged ones`,
  ];
}

function answer(flags: Flags, reports: readonly Report[], path: string): void {
  const interrupted = reports.some((report) => report.interrupted);
  const equal = reports.every((report) => report.equal) && !interrupted;
  print(flags, { equal, interrupted, trees: [...reports] }, reports.flatMap(text));
  if (interrupted) {
    throw new Fault(
      'unavailable',
      'log/reindex-interrupted',
      `the run was interrupted; ${path} holds the place, go on with --resume`,
    );
  }
  if (!equal) {
    throw new Fault(
      'corrupt',
      'log/index-differs',
      'the search index is not what the trees say: look at what differs, then run `airseal log reindex --rebuild`',
    );
  }
}
