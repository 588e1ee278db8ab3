/** What a tree does when its database knows less than was signed, on SoftHSM with an agent's journal. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isFault } from '#core/fault';
import { leafHash, verifyConsistency } from '#core/merkle';
import { fromUtf8 } from '#core/octets';
import { Hsm, type TokenSettings } from '#hsm';
import { HealthProbes } from '#platform';
import { type Tree, type TreeSpec } from '#tree';
import { asSuperuser, freshToken } from '../../../test/kit/index.js';
import { freshTrees, noteFormat, type FreshTrees, type Replica } from '../../../test/kit/fresh-trees.js';

const uri = 'pkcs11:token=airseal-online;object=log';
let place: string;
let token: TokenSettings;
let world: FreshTrees;
const opened: Hsm[] = [];

beforeEach(async () => {
  place = mkdtempSync(join(tmpdir(), 'nvf-'));
  token = await freshToken('airseal-online');
  world = await freshTrees();
  await (await host('one')).generate('online', { label: 'log', algorithm: 'ecdsa-p256-sha256' });
});

afterEach(async () => {
  await world.drop();
  await Promise.all(opened.splice(0).map((hsm) => hsm.close()));
  for (const run of readdirSync(place).filter((name) => name.startsWith('run-'))) await endAgent(run, 'SIGKILL');
  rmSync(place, { recursive: true, force: true });
});

async function host(name: string): Promise<Hsm> {
  const runtimeDir = join(place, `run-${name}`);
  mkdirSync(runtimeDir, { recursive: true });
  const journalDir = join(place, `journal-${name}`);
  const hsm = await Hsm.open({ tokens: { online: token }, runtimeDir, journalDir });
  opened.push(hsm);
  return hsm;
}

/** Ends the agent of a host and waits until it has gone. */
async function endAgent(run: string, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  const lines = readFileSync(join(place, run, 'hsm-online.sock.log'), 'utf8').trim().split('\n');
  const { pid } = JSON.parse(lines.findLast((line) => line.startsWith('{')) ?? '{}') as { pid: number };
  try {
    process.kill(pid, signal);
    for (let wait = 0; wait < 300; wait++) {
      process.kill(pid, 0);
      await sleep(10);
    }
  } catch {
    // It has gone.
  }
}

interface Opened {
  readonly tree: Tree;
  readonly replica: Replica;
}

interface How {
  readonly directory?: string;
  readonly health?: HealthProbes;
  readonly adoptUnknown?: boolean;
}

async function replicaOn(name: string, how: How = {}): Promise<Opened> {
  const replica = await world.replica(how);
  const signer = await (await host(name)).headSigner(uri, 'log.test');
  const spec: TreeSpec = { name: 'test/a', origin: 'log.test', format: noteFormat('log.test', signer) };
  return { tree: await replica.trees.open(spec), replica };
}

/** A tree that asks nobody what was signed before, and whose signer was not opened for heads. */
async function memoryless(): Promise<TreeSpec> {
  const plain = await (await host('one')).signer(uri, 'transcript');
  const signer = { ...plain, announce: () => Promise.resolve({ open: true }), adopt: () => Promise.resolve() };
  return { name: 'test/a', origin: 'log.test', format: noteFormat('log.test', signer) };
}

function grow(tree: Tree, from: number, to: number, word = 'leaf') {
  return Promise.all(
    Array.from({ length: to - from }, (_, at) => tree.append({ body: fromUtf8(`${word} ${from + at}`), kind: 'test/1' })),
  );
}

const TABLES = ['log_head', 'log_leaf', 'log_dedup', 'log_tile', 'log_checkpoint', 'log_index', 'log_undelivered'];
const unguarded = (sql: string) => asSuperuser(world.database, `SET session_replication_role = replica; ${sql}`);

async function dump(): Promise<void> {
  await unguarded(TABLES.map((table) => `CREATE TABLE dump_${table} AS TABLE ${table};`).join('\n'));
}

async function restore(): Promise<void> {
  const statements = TABLES.map((table) => `DELETE FROM ${table}; INSERT INTO ${table} TABLE dump_${table};`);
  await unguarded(`BEGIN; ${statements.join('\n')} COMMIT;`);
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'nothing was refused';
  } catch (error) {
    if (isFault(error)) return error.code;
    throw error;
  }
}

/** Signed sizes, from the database: nothing may have been added. */
const newestSigned = () => asSuperuser(world.database, 'SELECT max(size) FROM log_checkpoint');

describe('yesterday’s dump', () => {
  test('restored under the host that signed since: nothing is signed, and everybody is told', async () => {
    const { tree, replica } = await replicaOn('one');
    await grow(tree, 0, 5);
    await dump();
    await grow(tree, 5, 9);
    await replica.close();
    await restore();
    // Without the host's published files: the journal alone must know.
    const health = new HealthProbes();
    const after = await replicaOn('one', { health });
    expect(after.tree.quarantine?.code).toBe('tree/rolled-back');
    expect(await codeOf(after.tree.append({ body: fromUtf8('x'), kind: 'test/1' }))).toBe('tree/rolled-back');
    expect(await codeOf(after.tree.renew())).toBe('tree/rolled-back');
    expect(await newestSigned()).toBe('5');
    const { ready, dependencies } = await health.readiness();
    expect(ready).toBe(false);
    expect(dependencies['log test/a']?.reason).toMatch(/knows a tree of 9, but the database has one of 5/);
    expect(await after.replica.metrics.format()).toContain(
      'airseal_tree_read_only{tree="test/a",code="tree/rolled-back"} 1',
    );
    expect(await codeOf(after.replica.trees.adopt(tree.head()))).toBe('tree/not-waiting');
  });

  test('restored under a brand-new replica: the token remembers', async () => {
    const { tree, replica } = await replicaOn('one');
    await grow(tree, 0, 5);
    await dump();
    await grow(tree, 5, 9);
    await replica.close();
    await endAgent('run-one', 'SIGTERM');
    await restore();
    const fresh = await replicaOn('two', { adoptUnknown: true });
    expect(fresh.tree.quarantine?.code).toBe('tree/rolled-back');
    expect(await codeOf(fresh.tree.append({ body: fromUtf8('x'), kind: 'test/1' }))).toBe('tree/rolled-back');
    expect(await newestSigned()).toBe('5');
  });

  test('restored under a running replica: the next batch is not even written', async () => {
    const { tree } = await replicaOn('one');
    await grow(tree, 0, 5);
    await dump();
    await grow(tree, 5, 9);
    await restore();
    expect(await codeOf(tree.append({ body: fromUtf8('other'), kind: 'test/1' }))).toBe('tree/rolled-back');
    expect(tree.quarantine?.code).toBe('tree/rolled-back');
    expect(await asSuperuser(world.database, 'SELECT size FROM log_head')).toBe('5');
  });

  test('restored and grown past by others under a running replica: a fork is not signed', async () => {
    const one = await replicaOn('one');
    await grow(one.tree, 0, 5);
    await dump();
    await grow(one.tree, 5, 9);
    await restore();
    // A writer that remembers nothing, with the same key: what an attacker who has the database would do.
    const attacker = await world.replica();
    const rogue = await attacker.trees.open(await memoryless());
    void grow(rogue, 0, 30, 'rogue').catch(() => undefined);
    for (let wait = 0; wait < 300 && (await asSuperuser(world.database, 'SELECT size FROM log_head')) !== '35'; wait++)
      await sleep(10);
    expect(await newestSigned()).toBe('5');
    await expect(one.tree.append({ body: fromUtf8('mine'), kind: 'test/1' })).rejects.toThrow();
    expect(one.tree.quarantine?.code).toBe('tree/forked');
    expect(await newestSigned()).toBe('5');
  }, 30_000);
});

describe('a host that has never signed', () => {
  test('reads a tree with leaves, until an operator has adopted a head', async () => {
    const { tree, replica } = await replicaOn('one');
    await grow(tree, 0, 4);
    const known = tree.head();
    await grow(tree, 4, 6);
    await replica.close();
    await endAgent('run-one', 'SIGTERM');

    const second = await replicaOn('two');
    expect(second.tree.quarantine?.code).toBe('tree/no-journal');
    expect(second.tree.head().size).toBe(6n);
    expect(await codeOf(second.tree.append({ body: fromUtf8('x'), kind: 'test/1' }))).toBe('tree/no-journal');
    const wrong = { size: known.size, root: leafHash(fromUtf8('no')) };
    expect(await codeOf(second.replica.trees.adopt(wrong))).toBe('tree/forked');
    expect(await codeOf(second.replica.trees.adopt({ ...known, size: 99n }))).toBe('tree/rolled-back');

    expect((await second.replica.trees.adopt(known)).quarantine).toBeUndefined();
    const [next] = await grow(second.tree, 6, 7);
    expect(next?.index).toBe(6n);
    verifyConsistency(known, second.tree.head(), await second.tree.consistency(known.size, 7n));
    expect(await second.replica.metrics.format()).toContain('airseal_tree_quarantined{tree="test/a"} 0');
  });

  test('begins by itself with an empty tree, and in an evaluation where nothing is remembered', async () => {
    // An installation from before there were journals.
    const before = await world.replica();
    const tree = await before.trees.open(await memoryless());
    await grow(tree, 0, 3);
    await before.close();
    expect((await replicaOn('one')).tree.quarantine?.code).toBe('tree/no-journal');
    const upgraded = await replicaOn('one', { adoptUnknown: true });
    expect(upgraded.tree.quarantine).toBeUndefined();
    await grow(upgraded.tree, 3, 4);
  });
});

describe('two replicas on one host', () => {
  test('share the journal of its agent, and outlive it', async () => {
    const [left, right] = [await replicaOn('one'), await replicaOn('one')];
    await Promise.all([grow(left.tree, 0, 60, 'left'), grow(right.tree, 0, 60, 'right')]);
    await endAgent('run-one', 'SIGKILL');
    await Promise.all([grow(left.tree, 60, 90, 'left'), grow(right.tree, 60, 90, 'right')]);
    expect(left.tree.quarantine).toBeUndefined();
    expect(right.tree.quarantine).toBeUndefined();
    expect(await asSuperuser(world.database, 'SELECT size FROM log_head')).toBe('180');
    expect(await newestSigned()).toBe('180');
  }, 30_000);
});
