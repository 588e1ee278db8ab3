/**
 * `airseal log fsck`: derives every tree again, from the bodies of its leaves to its signed heads, and says where
 * anything differs. It reads beside a running appliance and repairs nothing.
 *
 * After each range the place is written down (`fsck.json` in the state directory), so that an interrupted check goes on
 * with `--resume`. What is written down are hashes that were derived from bodies; the database is asked for nothing of
 * what lies before.
 */
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { Fault } from '#core/fault';
import { toHex } from '#core/octets';
import {
  checkWholeTree,
  formatPlace,
  formatState,
  parseState,
  type CheckState,
  type TreeReport,
} from '#tree';
import { loadSettings } from '#platform';
import { askAppliance } from '../admin.js';
import { chooseTrees, claimsOf, openKeptTrees, type KeptTree, type KeptTrees } from '../fsck/kept-trees.js';
import { RangeThreads } from '../fsck/range-threads.js';
import { print, progress, table } from '../output.js';
import { flag, readJson, settingsPath } from '../places.js';
import type { Flags } from '../verb.js';

const FORMAT = 'airseal/fsck/v1';
const MOST_THREADS = 32;

/** What is written between two ranges. */
interface Written {
  readonly format: typeof FORMAT;
  readonly tree: string | null;
  readonly done: readonly object[];
  readonly current?: { readonly tree: string; readonly state: object };
}

function wholeNumber(text: string | undefined, name: string, most: bigint): bigint | undefined {
  if (text === undefined) return undefined;
  if (!/^(?:0|[1-9]\d{0,18})$/.test(text) || BigInt(text) > most)
    throw new Fault('malformed', 'cli/number', `${name} takes a whole number up to ${most}`);
  return BigInt(text);
}

function formatReport({ tree, from, to, head, checkpoint, checkpoints, found, interrupted }: TreeReport) {
  return {
    tree,
    from: from.toString(),
    to: to.toString(),
    head: head === undefined ? null : { size: head.size.toString(), root: toHex(head.root) },
    checkpoint:
      checkpoint === undefined
        ? null
        : {
            size: checkpoint.size.toString(),
            root: toHex(checkpoint.root),
            signed: new Date(Number(checkpoint.signedMs)).toISOString(),
          },
    checkpoints,
    interrupted,
    counts: { ...found.counts },
    faults: found.kept.map((finding) => ({
      place: formatPlace(finding),
      what: finding.what,
      at: { ...finding.at },
      expected: finding.expected,
      found: finding.found,
    })),
  };
}
type Report = ReturnType<typeof formatReport>;

class Progress {
  readonly #begun = performance.now();
  readonly #tree: string;
  #first: bigint | undefined;

  constructor(tree: string) {
    this.#tree = tree;
  }

  say(next: bigint, size: bigint): void {
    this.#first ??= next;
    const seconds = (performance.now() - this.#begun) / 1000;
    const done = Number(next - this.#first);
    const rate = done / seconds;
    const left = rate > 0 ? `, ${Math.ceil(Number(size - next) / rate)} s left` : '';
    const share = size === 0n ? 100 : Number((next * 100n) / size);
    progress(`${this.#tree}: ${next} of ${size} leaves (${share} %), ${Math.round(rate)} leaves/s${left}`);
  }
}

function write(path: string, written: Written): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, `${JSON.stringify(written)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

function read(path: string, tree: string | undefined): Written {
  const written = readJson(path, 'place of an interrupted check') as Partial<Written>;
  if (written.format !== FORMAT || !Array.isArray(written.done))
    throw new Fault(
      'malformed',
      'cli/fsck-place',
      `${path} does not read back; begin anew, without --resume`,
    );
  if ((written.tree ?? undefined) !== tree)
    throw new Fault(
      'conflict',
      'cli/fsck-place',
      'the interrupted check was of other trees; give --tree as it was then',
    );
  return written as Written;
}

interface StatusTree {
  readonly tree: string;
  readonly running: boolean;
  readonly verified: string;
  readonly until: string;
  readonly started: string | null;
  readonly fullPasses: string;
  readonly full: { readonly size: string; readonly started: string; readonly ended: string } | null;
  readonly faults: readonly {
    readonly place: string;
    readonly what: string;
    readonly expected: string;
    readonly found: string;
    readonly stops: boolean;
    readonly since: string;
  }[];
}

/** How far the appliance's own slow check has come. */
async function showStatus(flags: Flags): Promise<void> {
  const { socket } = loadSettings(settingsPath(flags)).listen.admin;
  const answer = await askAppliance(socket, 'GET', '/admin/v1/logs/verification');
  const trees = answer['trees'] as readonly StatusTree[];
  const enabled = answer['enabled'] === true;
  const faults = trees.flatMap(({ tree, faults: found }) => found.map((fault) => ({ tree, ...fault })));
  print(flags, { enabled, clean: faults.length === 0, trees: trees.map((tree) => ({ ...tree })) }, [
    ...(enabled ? [] : ['the slow check is turned off in the settings']),
    ...table([
      ['tree', 'verified', 'of', 'pass begun', 'full passes', 'last full pass'],
      ...trees.map(({ tree, verified, until, started, fullPasses, full }) => [
        tree,
        verified,
        until,
        started ?? 'never',
        fullPasses,
        full === null ? 'none' : `${full.size} leaves, ended ${full.ended}`,
      ]),
    ]),
    ...faults.map(
      ({ tree, place, stops, since }) =>
        `FAULT ${tree} ${place}, since ${since}${stops ? '; nothing is signed' : ''}`,
    ),
  ]);
  if (faults.length > 0) throw contradiction(faults.length);
}

function contradiction(faults: number): Fault {
  return new Fault(
    'corrupt',
    'log/contradiction',
    `${faults} faults; nothing was changed. Keep the machine as it is and see "A log that contradicts itself" in docs/operating.md`,
  );
}

export async function checkLogs(_operands: string[], flags: Flags): Promise<void> {
  if (flags['status'] === true) return await showStatus(flags);
  const settings = settingsPath(flags);
  const from = wholeNumber(flag(flags, 'from'), '--from', (1n << 63n) - 1n);
  const cores = availableParallelism();
  const jobs = Number(wholeNumber(flag(flags, 'jobs'), '--jobs', BigInt(MOST_THREADS)) ?? BigInt(cores));
  const tree = flag(flags, 'tree');
  if (from !== undefined && (tree === undefined || flags['resume'] === true))
    throw new Fault('malformed', 'cli/flags', '--from needs --tree, and does not go with --resume');
  const kept = await openKeptTrees(settings, 4);
  const path = join(kept.settings.stateDir, 'fsck.json');
  const threads = new RangeThreads(settings, Math.max(1, jobs));
  const stop = new AbortController();
  const interrupt = (): void => stop.abort();
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  let reports: Report[];
  try {
    const before = flags['resume'] === true ? read(path, tree) : undefined;
    reports = await checkTrees({ kept, threads, path, from, tree, before, signal: stop.signal });
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    await threads.close();
    await kept.pool.end();
  }
  answer(flags, kept, reports, path);
}

interface Run {
  readonly kept: KeptTrees;
  readonly threads: RangeThreads;
  readonly path: string;
  readonly from: bigint | undefined;
  readonly tree: string | undefined;
  readonly before: Written | undefined;
  readonly signal: AbortSignal;
}

async function checkTrees({ kept, threads, path, from, tree, before, signal }: Run): Promise<Report[]> {
  const reports: Report[] = [...((before?.done ?? []) as Report[])];
  for (const one of chooseTrees(kept, tree)) {
    const { name } = one.known;
    if (reports.some((report) => report.tree === name)) continue;
    const place = { format: FORMAT, tree: tree ?? null, done: reports } as const;
    const state = before?.current?.tree === name ? parseState(before.current.state) : undefined;
    if (state === undefined) write(path, place);
    const report = await checkOne(kept, threads, one, { from, state, signal }, (reached) =>
      write(path, { ...place, current: { tree: name, state: formatState(reached) } }),
    );
    // Reported, and not done: it is taken up where its place was written down.
    reports.push(formatReport(report));
    if (report.interrupted) return reports;
    write(path, { ...place, done: reports });
  }
  rmSync(path, { force: true });
  return reports;
}

async function checkOne(
  kept: KeptTrees,
  threads: RangeThreads,
  one: KeptTree,
  { from, state, signal }: { from: bigint | undefined; state: CheckState | undefined; signal: AbortSignal },
  reached: (state: CheckState) => void,
): Promise<TreeReport> {
  const shown = new Progress(one.known.name);
  return await checkWholeTree({
    pool: kept.pool,
    tree: one.under,
    runner: threads.of(one.known.name),
    claims: () => claimsOf(kept, one),
    state,
    from,
    signal,
    reached: async (now, size) => {
      reached(now);
      shown.say(now.place.next, size);
      return Promise.resolve();
    },
  });
}

function answer(
  flags: Flags,
  { unknown, unborn }: KeptTrees,
  reports: readonly Report[],
  path: string,
): void {
  const faults = reports.reduce(
    (sum, { counts }) => sum + Object.values(counts).reduce((all, count) => all + count, 0),
    0,
  );
  const interrupted = reports.some((report) => report.interrupted);
  print(
    flags,
    { clean: faults === 0 && unknown.length === 0, interrupted, trees: [...reports], unknown: [...unknown] },
    [
      ...reports.flatMap((report) => [
        `${report.tree}: leaves ${report.from} to ${report.to}${report.interrupted ? ', INTERRUPTED' : ''}; ${report.checkpoints} checkpoints${
          report.checkpoint === null
            ? ''
            : `, the newest of ${report.checkpoint.size} signed ${report.checkpoint.signed}`
        }; ${report.faults.length === 0 ? 'no fault' : `FAULTS: ${Object.values(report.counts).reduce((all, count) => all + count, 0)}`}`,
        ...report.faults.flatMap((fault) => [
          `  ${fault.place}`,
          `    expected ${fault.expected}`,
          `    found    ${fault.found}`,
        ]),
      ]),
      ...unknown.map(
        (name) => `${name}: the trust material does not name this tree, so nobody can say who signs it`,
      ),
      ...unborn.map((name) => `${name}: has never been opened`),
    ],
  );
  if (interrupted)
    throw new Fault(
      'unavailable',
      'log/check-interrupted',
      `the check was interrupted; ${path} holds the place, go on with --resume`,
    );
  if (faults > 0 || unknown.length > 0) throw contradiction(faults + unknown.length);
}
