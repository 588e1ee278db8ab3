import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { RFC3161Timestamp } from '@sigstore/core';
import { migrations } from '#audit';
import { createPublicKey } from 'node:crypto';
import { Fault } from '#core/fault';
import { fromUtf8, toUtf8 } from '#core/octets';
import { SIGSTORE_POLICY } from '#core/timestamp';
import { HeldClock, Metrics } from '#platform';
import { StampTime } from '#timestamp';
import type { Tree } from '#tree';
import {
  freshTrees,
  noteFormat,
  quietLogger,
  type FreshTrees,
  type Replica,
} from '../../../../test/kit/fresh-trees.js';
import { recorder } from '../../../../test/kit/recorder.js';
import { GENESIS_MS, pseudoRandom, softwarePki } from '../../../../test/kit/software-pki.js';
import { softwareSigner } from '../../../../test/kit/software-signer.js';
import { HOUR_MS, instant } from './boundary-instants.js';
import { BoundaryStore } from './boundary-store.js';
import { BoundaryWatch } from './boundary-watch.js';
import { type BoundaryPorts, KeepBoundaries } from './keep-boundaries.js';
import { stampOctets } from './stamp-octets.js';

const pki = softwarePki();
const signer = softwareSigner();
/** 10:20 on the day of genesis. */
const NOW_MS = GENESIS_MS + 20 * 60_000;
const EVER = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, limit: 10_000 };

let world: FreshTrees;
let clock: HeldClock;
beforeEach(async () => {
  world = await freshTrees(migrations);
  clock = new HeldClock(NOW_MS);
});
afterEach(async () => {
  await world.drop();
});

function authority(trusted: () => boolean): StampTime {
  const { key, certificate } = pki.tsaLeaf;
  const chain = [certificate, pki.tsaIntermediate.certificate, pki.timeRoot.certificate];
  let serial = 0;
  return new StampTime({
    authorities: [
      {
        leaf: certificate,
        chain,
        signer: () =>
          Promise.resolve({
            uri: 'pkcs11:object=tsa',
            algorithm: key.algorithm,
            spki: key.spki,
            sign: (message: Uint8Array) => Promise.resolve(key.sign(message)),
          }),
        startsMs: GENESIS_MS,
        endsMs: Number.POSITIVE_INFINITY,
        validUntilMs: Number.POSITIVE_INFINITY,
      },
    ],
    clock,
    clockTrust: {
      check: () => {
        if (!trusted()) throw new Fault('unavailable', 'clock/untrusted', 'the clock was moved');
      },
    },
    ledger: { record: () => Promise.resolve() },
    random: () => pseudoRandom(`token ${serial++}`),
    policies: [SIGSTORE_POLICY],
  });
}

interface Keeper {
  readonly replica: Replica;
  readonly log: Tree;
  readonly quiet: Tree;
  readonly store: BoundaryStore;
  readonly keeper: KeepBoundaries;
}

async function keeper(over: Partial<BoundaryPorts> = {}, at = clock): Promise<Keeper> {
  const replica = await world.replica({ clock: at });
  const open = (name: string): Promise<Tree> =>
    replica.trees.open({ name, origin: `log.test/${name}`, format: noteFormat(`log.test/${name}`, signer) });
  const [log, quiet] = [await open('test/log'), await open('test/quiet')];
  const store = new BoundaryStore(replica.pool);
  const stampTime = authority(() => true);
  const ports: BoundaryPorts = {
    pool: replica.pool,
    store,
    trees: () => replica.trees.all(),
    believeClock: () => undefined,
    stamp: (octets) => stampOctets(stampTime, octets),
    anchor: () => Promise.resolve(),
    placeAnchors: () => Promise.resolve(),
    uses: { refreshIfPossible: () => Promise.resolve(), recordAt: () => Promise.resolve() },
    record: recorder('spec', at),
    clock: at,
    logger: quietLogger,
    ...over,
  };
  return { replica, log, quiet, store, keeper: new KeepBoundaries(ports) };
}

async function dues(store: BoundaryStore, tree: string): Promise<string[]> {
  return (await store.boundaries({ ...EVER, tree })).map(({ dueMs }) => instant(dueMs));
}

async function events({ pool }: Replica): Promise<Record<string, unknown>[]> {
  const { rows } = await pool.query<{ body: Buffer }>('SELECT body FROM audit_outbox ORDER BY seq');
  return rows.map(({ body }) => JSON.parse(toUtf8(body)) as Record<string, unknown>);
}

describe('boundary checkpoints', () => {
  test('are made once an hour for every tree, also one that does not grow, with a token over the note', async () => {
    const { log, store, keeper: one } = await keeper();
    await log.append({ body: fromUtf8('a'), kind: 'test/1' });
    for (let turn = 0; turn < 4; turn++) {
      await one.turn();
      await one.turn();
      clock.advance(HOUR_MS / 2);
    }
    // 10:20, 10:50, 11:20, 11:50
    for (const tree of ['test/log', 'test/quiet'])
      expect(await dues(store, tree)).toEqual(['2026-11-21T10:00:00Z', '2026-11-21T11:00:00Z']);
    expect(await store.gaps(EVER)).toEqual([]);

    const key = createPublicKey({ key: Buffer.from(pki.tsaLeaf.key.spki), format: 'der', type: 'spki' });
    for (const { tree, note, token, size, madeMs, root } of await store.boundaries(EVER)) {
      noteFormat(`log.test/${tree}`, signer).verify(note, { size, root });
      expect(size).toBe(tree === 'test/log' ? 1n : 0n);
      const stamp = RFC3161Timestamp.parse(Buffer.from(token));
      stamp.verify(Buffer.from(note), key);
      expect(stamp.signingTime.getTime()).toBe(Math.floor(madeMs / 1000) * 1000);
    }
  });

  test('say which of them end a day and which a month', async () => {
    const { store, keeper: one } = await keeper();
    clock.advance(Date.UTC(2026, 10, 30, 22) - clock.nowMs());
    for (let hour = 0; hour < 4; hour++, clock.advance(HOUR_MS)) await one.turn();
    const kinds = (await store.boundaries({ ...EVER, tree: 'test/log' })).map((each) => each.kinds);
    expect(kinds).toEqual([['hour'], ['hour'], ['hour', 'day', 'month'], ['hour']]);
  });

  test('divide the tree: what comes after is stamped at or after the hour, on every replica', async () => {
    const behind = new HeldClock(Date.UTC(2026, 10, 21, 10, 59, 58));
    const [one, two] = [await keeper(), await keeper({}, behind)];
    await two.log.sequence({ body: fromUtf8('before'), kind: 'test/1' });
    clock.advance(Date.UTC(2026, 10, 21, 11) - clock.nowMs());
    await one.keeper.turn();
    const after = await two.log.sequence({ body: fromUtf8('after'), kind: 'test/1' });
    // The clock of the other replica has not reached the hour; its entries have.
    expect(after).toMatchObject({ index: 1n, timestampMs: BigInt(Date.UTC(2026, 10, 21, 11)) });
    // Sequenced by another replica and covered by no checkpoint before: it is under the boundary all the same.
    const [boundary] = await one.store.boundaries({ ...EVER, tree: 'test/log' });
    expect(boundary).toMatchObject({ size: 1n, dueMs: Date.UTC(2026, 10, 21, 11) });
  });

  test('that were missed are a gap, recorded and closed by the next', async () => {
    const { replica, store, keeper: one } = await keeper();
    await one.turn();
    clock.advance(5 * HOUR_MS);
    const later = await keeper();
    await later.keeper.turn();
    expect(await dues(store, 'test/log')).toEqual(['2026-11-21T10:00:00Z', '2026-11-21T15:00:00Z']);
    expect(await store.gaps({ ...EVER, tree: 'test/log' })).toEqual([
      {
        tree: 'test/log',
        firstMs: Date.UTC(2026, 10, 21, 11),
        lastMs: Date.UTC(2026, 10, 21, 14),
        reason: 'no appliance ran',
        closedByMs: Date.UTC(2026, 10, 21, 15),
      },
    ]);
    expect((await events(replica)).filter(({ outcome }) => outcome === 'failure')[0]).toMatchObject({
      code: 'log.checkpoint.published',
      resource: { id: 'test/log' },
      details: { firstMissed: '2026-11-21T11:00:00Z', lastMissed: '2026-11-21T14:00:00Z' },
    });
    const [state] = await store.states();
    expect(state).toMatchObject({ missed: 4 });
  });

  test('wait for a clock that is believed and a token that signs, and the gap says why', async () => {
    let fault: Fault | undefined = new Fault('unavailable', 'clock/untrusted', 'the clock was moved');
    const {
      log,
      replica,
      store,
      keeper: one,
    } = await keeper({
      believeClock: () => {
        if (fault !== undefined) throw fault;
      },
    });
    const metrics = new Metrics(false);
    const watch = new BoundaryWatch(
      { store, trees: () => replica.trees.all(), failures: () => one.failures, clock },
      metrics,
    );
    await one.turn();
    expect(await store.boundaries(EVER)).toEqual([]);
    // Time that is not believed is not put into the tree either.
    expect((await log.append({ body: fromUtf8('a'), kind: 'test/1' })).timestampMs).toBe(BigInt(NOW_MS));
    expect(() => watch.probe()).toThrow(/the clock was moved/);

    fault = undefined;
    await one.turn();
    expect(one.failures.size).toBe(0);
    fault = new Fault('unavailable', 'hsm/absent', 'the token is away');
    clock.advance(HOUR_MS);
    await one.turn();
    clock.advance(HOUR_MS);
    fault = undefined;
    await one.turn();
    expect((await store.gaps({ ...EVER, tree: 'test/log' })).map(({ reason }) => reason)).toEqual([
      'hsm/absent: the token is away',
    ]);
    await watch.look();
    expect(watch.probe()).toEqual({ trees: 2, oldestSeconds: 0, missedHours: 2 });
    clock.advance(2 * HOUR_MS);
    expect(() => watch.probe()).toThrow(/late: test\/log, test\/quiet/);
    expect(await metrics.format()).toContain('airseal_boundary_checkpoint_age_seconds{tree="test/log"} 7200');
    expect(await metrics.format()).toContain('airseal_boundary_gaps{tree="test/quiet"} 1');
  });

  test('are made once, however many replicas see that they are due', async () => {
    const replicas = [await keeper(), await keeper(), await keeper()];
    for (let hour = 0; hour < 6; hour++, clock.advance(HOUR_MS)) {
      await Promise.all(replicas.map((each) => each.keeper.turn()));
      await Promise.all(replicas.map((each) => each.keeper.turn()));
    }
    const [first] = replicas;
    if (first === undefined) throw new Error('no replica');
    expect(await dues(first.store, 'test/log')).toHaveLength(6);
    expect(await first.store.gaps(EVER)).toEqual([]);
    const published = (await events(first.replica)).map(({ resource, details }) =>
      JSON.stringify([resource, details]),
    );
    expect(published).toHaveLength(12);
    expect(new Set(published).size).toBe(12);
    const { rows } = await first.replica.pool.query('SELECT 1 FROM boundary_due');
    expect(rows).toEqual([]);
  });

  test('whose replica dies under way are made by another', async () => {
    const hangs = Promise.withResolvers<Uint8Array>();
    const [one, two] = [await keeper({ stamp: () => hangs.promise }), await keeper()];
    const dying = one.keeper.turn();
    await new Promise((resolve) => setTimeout(resolve, 100));
    await two.keeper.turn();
    // The due row is held: nobody makes it twice.
    expect(await dues(two.store, 'test/quiet')).toHaveLength(1);
    expect(await dues(two.store, 'test/log')).toEqual([]);
    hangs.reject(new Error('killed'));
    await dying;
    await two.keeper.turn();
    expect(await dues(two.store, 'test/log')).toEqual(['2026-11-21T10:00:00Z']);
  });

  test('are never changed or removed by the running role', async () => {
    const { replica, keeper: one } = await keeper();
    await one.turn();
    for (const table of ['boundary_checkpoint', 'boundary_gap', 'audit_anchor', 'audit_anchor_place'])
      for (const statement of [`DELETE FROM ${table}`, `TRUNCATE ${table}`, `UPDATE ${table} SET due_ms = 0`])
        await expect(replica.pool.query(statement)).rejects.toMatchObject({
          code: expect.stringMatching(/42501|42703/),
        });
  });
});
