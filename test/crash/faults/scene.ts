/**
 * What a fault happens to: a database, a token, hosts with an agent and a journal each, replicas on them; and the
 * list of what was acknowledged, which must be provable whatever happened.
 */
import { expect } from '@jest/globals';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isFault } from '#core/fault';
import { Edge, leafHash, verifyConsistency, verifyInclusion } from '#core/merkle';
import { fromUtf8, toHex } from '#core/octets';
import { Hsm } from '#hsm';
import type { Tree } from '#tree';
import { freshTrees, noteFormat, type FreshTrees, type Replica } from '../../kit/fresh-trees.js';
import { badToken, type BadToken } from '../../kit/interposer/bad-token.js';
import type { PrivateCluster } from '../../kit/private-cluster.js';
import { SeparateReplica, type Acknowledged, type Opening } from '../../kit/separate-replica.js';

export const ORIGIN = 'log.test';
export const URI = 'pkcs11:token=airseal-online;object=log';
export const TREE = 'test/a';

type ReplicaOptions = NonNullable<Parameters<FreshTrees['replica']>[0]>;

export interface Opened {
  readonly tree: Tree;
  readonly replica: Replica;
  readonly hsm: Hsm;
}

export class Scene {
  readonly place = mkdtempSync(join(tmpdir(), 'flt-'));
  readonly token: BadToken;
  readonly world: FreshTrees;
  /** Variables of the agents that are started from now on. */
  agentEnvironment: Record<string, string> = {};
  readonly #hsms: Hsm[] = [];
  readonly #separate: SeparateReplica[] = [];

  private constructor(token: BadToken, world: FreshTrees) {
    this.token = token;
    this.world = world;
  }

  /** @param cluster where its database is to be; the kit's own otherwise */
  static async make(cluster?: PrivateCluster): Promise<Scene> {
    const token = await badToken('airseal-online');
    const scene = new Scene(token, await freshTrees([], cluster?.database()));
    const hsm = await scene.host('one');
    await hsm.generate('online', { label: 'log', algorithm: 'ecdsa-p256-sha256' });
    return scene;
  }

  #hsmOptions(name: string): Opening['hsm'] {
    const runtimeDir = join(this.place, `run-${name}`);
    mkdirSync(runtimeDir, { recursive: true });
    const { settings } = this.token;
    const online = { ...settings, environment: { ...settings.environment, ...this.agentEnvironment } };
    return { tokens: { online }, runtimeDir, journalDir: join(this.place, `journal-${name}`) };
  }

  async host(name = 'one', deadlineMs?: number): Promise<Hsm> {
    const hsm = await Hsm.open({
      ...this.#hsmOptions(name),
      ...(deadlineMs === undefined ? {} : { deadlineMs }),
    });
    this.#hsms.push(hsm);
    return hsm;
  }

  /** A replica in this process. */
  async replica(
    name = 'one',
    options: ReplicaOptions & { hsm?: Hsm; maxBatch?: number } = {},
  ): Promise<Opened> {
    const { hsm = await this.host(name), maxBatch, ...rest } = options;
    const replica = await this.world.replica(rest);
    const format = noteFormat(ORIGIN, await hsm.headSigner(URI, ORIGIN));
    const spec = { name: TREE, origin: ORIGIN, format, ...(maxBatch === undefined ? {} : { maxBatch }) };
    return { tree: await replica.trees.open(spec), replica, hsm };
  }

  /** A replica in a process of its own. */
  async separate(
    name = 'one',
    options: Partial<Pick<Opening, 'killAt' | 'host'>> = {},
    environment: Record<string, string> = {},
  ): Promise<SeparateReplica> {
    const opening = {
      database: this.world.database,
      hsm: this.#hsmOptions(name),
      uri: URI,
      origin: ORIGIN,
      ...options,
    };
    const replica = await SeparateReplica.open({ ...opening, directory: this.files(name) }, environment);
    this.#separate.push(replica);
    return replica;
  }

  /** Where a separate replica publishes its files. */
  files(name = 'one'): string {
    return join(this.place, `files-${name}`);
  }

  /** Closes every connection to agents; they leave when nobody else is there. */
  async letGo(): Promise<void> {
    await Promise.all(this.#hsms.splice(0).map((hsm) => hsm.close()));
  }

  /** The newest agent of a host; `undefined` if none ever came up. */
  agentOf(name: string): number | undefined {
    const log = join(this.place, `run-${name}`, 'hsm-online.sock.log');
    if (!existsSync(log)) return undefined;
    const last = readFileSync(log, 'utf8')
      .trim()
      .split('\n')
      .findLast((line) => line.startsWith('{'));
    return last === undefined ? undefined : (JSON.parse(last) as { pid: number }).pid;
  }

  /** Ends the agent of a host and waits until it has gone. SIGTERM lets it write the token's head. */
  async endAgent(name = 'one', signal: 'SIGTERM' | 'SIGKILL' = 'SIGKILL'): Promise<void> {
    const pid = this.agentOf(name);
    if (pid === undefined) return;
    try {
      process.kill(pid, signal);
      for (let wait = 0; wait < 500; wait++) {
        process.kill(pid, 0);
        await sleep(10);
      }
    } catch {
      // It has gone.
    }
  }

  journal(name = 'one'): string {
    const base = join(this.place, `journal-${name}`, 'online');
    const [key = ''] = readdirSync(base);
    const [file = ''] = readdirSync(join(base, key)).filter((each) => each.endsWith('.journal'));
    return join(base, key, file);
  }

  /** Sizes in the journal of a host, oldest first. */
  journaled(name = 'one'): bigint[] {
    const lines = readFileSync(this.journal(name), 'utf8').split('\n').slice(1, -1);
    return lines.map((line) => BigInt(line.split('\t')[1] ?? 0));
  }

  async drop(): Promise<void> {
    this.token.misbehave();
    await Promise.all(this.#separate.splice(0).map((replica) => replica.kill()));
    await this.world.drop();
    await this.letGo();
    for (const run of readdirSync(this.place).filter((name) => name.startsWith('run-')))
      await this.endAgent(run.slice('run-'.length));
    rmSync(this.place, { recursive: true, force: true });
  }
}

/** Appends `count` leaves at once; all must be answered. */
export async function grow(tree: Tree, count: number, word = 'leaf'): Promise<Acknowledged[]> {
  const bodies = Array.from({ length: count }, (_, at) => `${word} ${at}`);
  return await Promise.all(
    bodies.map(async (body) => {
      const { index, head } = await tree.append({ body: fromUtf8(body), kind: 'test/1' });
      return { body, index, head };
    }),
  );
}

/**
 * Every acknowledged leaf is where it was said to be, and every head that was shown is one that the tree had: derived
 * from the leaves alone, as an auditor does it. Some proofs are asked for besides.
 */
export async function proveAll(tree: Tree, acknowledged: readonly Acknowledged[]): Promise<void> {
  const now = tree.head();
  const heads = new Map<bigint, string>([[now.size, toHex(now.root)]]);
  const bodies = new Map<bigint, string>();
  for (const { body, index, head } of acknowledged) {
    expect([undefined, toHex(head.root)]).toContain(heads.get(head.size));
    heads.set(head.size, toHex(head.root));
    expect([undefined, body]).toContain(bodies.get(index));
    bodies.set(index, body);
  }
  const edge = new Edge();
  for (let start = 0n; start < now.size; start += 256n) {
    for (const { index, leafHash: hash } of await tree.leaves(start, start + 256n)) {
      const body = bodies.get(index);
      if (body !== undefined) expect(toHex(hash)).toBe(toHex(leafHash(fromUtf8(body))));
      edge.append(hash);
      const root = heads.get(index + 1n);
      if (root !== undefined) expect(root).toBe(toHex(edge.root()));
      heads.delete(index + 1n);
    }
  }
  expect([...heads.keys()]).toEqual([]);
  for (const { body, index, head } of acknowledged.filter((_, at) => at % 50 === 0)) {
    verifyInclusion(leafHash(fromUtf8(body)), index, await tree.inclusion(index, now.size), now);
    if (head.size < now.size) verifyConsistency(head, now, await tree.consistency(head.size, now.size));
  }
}

export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'nothing was refused';
  } catch (error) {
    if (isFault(error)) return error.code;
    throw error;
  }
}

/** Asks again, as a client does, while the answer is that it should come back. */
export async function insist<T>(ask: () => Promise<T>, patienceMs = 30_000): Promise<T> {
  for (const until = Date.now() + patienceMs; ;) {
    try {
      return await ask();
    } catch (error) {
      if (!isFault(error) || error.kind !== 'unavailable' || Date.now() > until) throw error;
      await sleep(50);
    }
  }
}

export async function eventually(
  holds: () => Promise<boolean> | boolean,
  patienceMs = 30_000,
): Promise<void> {
  for (const until = Date.now() + patienceMs; Date.now() < until; await sleep(20)) if (await holds()) return;
  throw new Error('it never came to hold');
}
