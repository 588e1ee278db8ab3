/** The clock over a real database: what a restart remembers, what is kept, and who may declare. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Pool } from 'pg';
import { migrations as auditMigrations } from '#audit';
import { Fault, isFault } from '#core/fault';
import { fromUtf8, toUtf8 } from '#core/octets';
import {
  ClockTrust,
  ClockWatch,
  DeclaredSource,
  HeldClock,
  parseClock,
  type Reading,
  type TimeSource,
} from '#platform';
import {
  freshTrees,
  type FreshTrees,
  noteFormat,
  quietLogger,
  type Replica,
} from '../../../test/kit/fresh-trees.js';
import { recorder } from '../../../test/kit/recorder.js';
import { softwareSigner } from '../../../test/kit/software-signer.js';
import { ClockRecordStore } from './clock-record-store.js';
import { DeclareTime, type Persons, type Word } from './declare-time.js';
import { migrations } from './index.js';
import { KeepClockRecords } from './keep-clock-records.js';
import { floorOf } from './open-time.js';

const START_MS = Date.UTC(2026, 10, 22, 10, 30);
const YEARS_MS = 10 * 366 * 86_400_000;
const HOUR_MS = 3_600_000;

const signer = softwareSigner();

// What one story signs is a floor for all that share its database, so the stories have one each.
let world: FreshTrees;
let replica: Replica;
let pool: Pool;
async function begin(): Promise<void> {
  world = await freshTrees([...auditMigrations, ...migrations]);
  replica = await world.replica();
  ({ pool } = replica);
}

class HeldSource implements TimeSource {
  readonly kind = 'ntp';
  readonly name: string;
  answer: Reading | Fault;

  constructor(name: string, answer: Reading) {
    this.name = name;
    this.answer = answer;
  }

  read(): Promise<Reading> {
    return this.answer instanceof Fault ? Promise.reject(this.answer) : Promise.resolve(this.answer);
  }
}

const truth = (steadyMs = 0): Reading => ({
  epochMs: START_MS,
  errorMs: 1,
  atSteadyMs: steadyMs,
  facts: { stratum: 1 },
});
const lost = new Fault('unavailable', 'time/ntp-unsynchronised', 'not synchronised');

/** A machine of its own, with two sources and one pair of persons. */
function machine(floorMs?: number) {
  let steadyMs = 0;
  const clock = new HeldClock(START_MS);
  const [a, b] = [new HeldSource('a', truth()), new HeldSource('b', truth())];
  const wall = new DeclaredSource('wall', 14_400, () => steadyMs);
  const settings = parseClock({
    sources: [
      { kind: 'ntp', name: 'a', host: 'x' },
      { kind: 'ntp', name: 'b', host: 'y' },
      { kind: 'declared', name: 'wall' },
    ],
    maximumErrorMs: 60_000,
  });
  const trust = new ClockTrust({ settings, standalone: false, clock, steadyMs: () => steadyMs, floorMs });
  const watch = new ClockWatch({
    trust,
    sources: [a, b, wall],
    pollSeconds: 1000,
    maximumJumpMs: 2000,
    logger: quietLogger,
  });
  const pass = (ms: number): void => {
    steadyMs += ms;
    clock.advance(ms);
    for (const source of [a, b]) if (!(source.answer instanceof Fault)) source.answer = truth(steadyMs);
  };
  return { clock, a, b, trust, watch, pass };
}

describe('what was signed', () => {
  beforeEach(begin);
  afterEach(() => world.drop());
  const spec = (name: string) => ({ name, origin: name, format: noteFormat(name, signer) });

  test('is remembered by the next process, which signs nothing before it', async () => {
    const ahead = await world.replica({ clock: new HeldClock(START_MS + HOUR_MS) });
    const tree = await ahead.trees.open(spec('test/ahead'));
    await tree.append({ body: fromUtf8('stamped an hour ahead'), kind: 'test' });
    await ahead.close();

    const floorMs = await floorOf(pool);
    expect(floorMs).toBeGreaterThanOrEqual(START_MS + HOUR_MS);
    const { trust, watch, pass } = machine(floorMs);
    await watch.look();
    expect(trust.state().code).toBe('clock/below-floor');
    const behind = await world.replica({ clock: { nowMs: () => trust.believedMs() } });
    const again = await behind.trees.open(spec('test/ahead'));
    const { timestampMs, head } = await again.append({
      body: fromUtf8('appended all the same'),
      kind: 'test',
    });
    expect(Number(timestampMs)).toBeGreaterThanOrEqual(START_MS + HOUR_MS);
    expect(Number(head.timestampMs)).toBeGreaterThanOrEqual(START_MS + HOUR_MS);
    pass(HOUR_MS + 1000);
    await watch.look();
    expect(trust.state().trusted).toBe(true);
    await behind.close();
  });

  test('case 50: goes on, in order, and not into the future, when the clock is set back an hour and ahead ten years', async () => {
    const { clock, trust, watch, pass } = machine(START_MS - 1000);
    await watch.look();
    const own = await world.replica({ clock: { nowMs: () => trust.believedMs() } });
    const tree = await own.trees.open(spec('test/jumps'));
    const stamps: number[] = [];
    for (const jumpMs of [0, -HOUR_MS, HOUR_MS + YEARS_MS, -YEARS_MS]) {
      clock.advance(jumpMs);
      pass(1000);
      const { timestampMs } = await tree.append({ body: fromUtf8(`after ${stamps.length}`), kind: 'test' });
      stamps.push(Number(timestampMs) - START_MS);
    }
    expect(stamps).toEqual([1000, 2000, 3000, 4000]);
    await own.close();
  });
});

interface Kept {
  readonly what: string;
  readonly standing: string;
}

async function records(node: string): Promise<Kept[]> {
  const found = await new ClockRecordStore(pool).find({ limit: 100 });
  return found.filter((one) => one.node === node).map(({ what, standing }) => ({ what, standing }));
}

async function events(node: string): Promise<Record<string, unknown>[]> {
  const { rows } = await pool.query<{ body: Buffer }>('SELECT body FROM audit_outbox ORDER BY seq');
  return rows
    .map(({ body }) => JSON.parse(toUtf8(body)) as Record<string, unknown>)
    .filter((event) => event['node'] === node);
}

describe('records', () => {
  beforeAll(begin);
  afterAll(() => world.drop());

  test('say at the start, at each change and at each hour what stood behind the time, with an event each', async () => {
    const { a, b, clock, watch, pass } = machine();
    await watch.look();
    const node = 'records:1';
    const keep = new KeepClockRecords({
      pool,
      record: recorder(node, clock),
      watch,
      pollSeconds: 1000,
      logger: quietLogger,
    });
    await keep.begin();
    a.answer = lost;
    pass(16_000);
    await watch.look();
    await keep.turn();
    a.answer = { ...truth(16_000), epochMs: START_MS + 9000 };
    await watch.look();
    a.answer = truth(16_000);
    await watch.look();
    pass(1_784_000);
    await watch.look();
    await keep.turn();
    clock.advance(5000);
    b.answer = lost;
    await watch.look();
    await keep.end();

    const kept = await records(node);
    const said = kept.map(({ what, standing }) => `${what} ${standing}`);
    expect(said).toEqual([
      'start agreed',
      'source.lost agreed',
      'source.lost holdover',
      'holdover.started holdover',
      'source.recovered holdover',
      'disagreement holdover',
      'holdover.ended agreed',
      'summary agreed',
      'jumped untrusted',
      // Off from what they agreed on; then, with one of them gone, moved since it was last believed.
      'untrusted untrusted',
      'source.lost untrusted',
      'untrusted untrusted',
    ]);
    const told = await events(node);
    expect(told.map(({ code }) => code)).toEqual(
      kept.map(({ what }) => (what === 'start' || what === 'summary' ? 'clock.observed' : `clock.${what}`)),
    );
    expect(told.find(({ code }) => code === 'clock.disagreement')).toMatchObject({
      outcome: 'failure',
      reason: 'contradicting: a, b',
    });
  });

  test('cannot be changed or removed by the role that writes them', async () => {
    for (const statement of [
      "UPDATE clock_record SET standing = 'agreed'",
      'DELETE FROM clock_record',
      'TRUNCATE clock_record',
    ]) {
      await expect(pool.query(statement)).rejects.toThrow('permission denied');
    }
  });

  test('are found by time, together with the one that was in force when it began', async () => {
    const all = await new ClockRecordStore(pool).find({ limit: 100 });
    const last = all.at(-1);
    if (last === undefined) throw new Error('no records');
    const fromMs = Date.parse(last.believed) + 1;
    const found = await new ClockRecordStore(pool).find({ fromMs, limit: 100 });
    expect(found.map(({ id }) => id)).toEqual([last.id]);
    expect(await new ClockRecordStore(pool).find({ limit: 100, afterId: last.id })).toEqual([]);
  });

  test('that the database does not take wait, in order, and lose nothing', async () => {
    const { a, watch, clock } = machine();
    await watch.look();
    const node = 'records:2';
    let away = false;
    const failing = {
      query: pool.query.bind(pool),
      connect: () => (away ? Promise.reject(new Error('away')) : pool.connect()),
    } as unknown as Pool;
    const keep = new KeepClockRecords({
      pool: failing,
      record: recorder(node, clock),
      watch,
      pollSeconds: 1000,
      logger: quietLogger,
    });
    await keep.begin();
    // The look before the start found one source without an answer; that is written first.
    await keep.turn();
    const before = (await records(node)).length;
    away = true;
    a.answer = lost;
    await watch.look();
    await keep.turn();
    expect(await records(node)).toHaveLength(before);
    away = false;
    await keep.end();
    expect((await records(node)).slice(before).map(({ what }) => what)).toEqual([
      'source.lost',
      'holdover.started',
    ]);
  });
});

describe('two persons', () => {
  beforeAll(begin);
  afterAll(() => world.drop());
  const persons: Persons = {
    prove: (email, password) =>
      password === `password of ${email}`
        ? Promise.resolve({ accountId: `id of ${email}`, email })
        : Promise.reject(new Fault('refused', 'clock/person', 'no such person')),
  };
  const word = (email: string, timeMs = START_MS): Word => ({
    email,
    password: `password of ${email}`,
    timeMs,
    withinMs: 5000,
  });
  let node = 0;
  let declare: DeclareTime;
  let parts: ReturnType<typeof machine>;
  beforeEach(async () => {
    parts = machine();
    parts.b.answer = lost;
    await parts.watch.look();
    node += 1;
    declare = new DeclareTime({ pool, record: recorder(`declare:${node}`), watch: parts.watch, persons });
  });
  const codeOf = (act: Promise<unknown>): Promise<string> =>
    act.then(
      () => 'none',
      (error: unknown) => (isFault(error) ? error.code : Promise.reject(error as Error)),
    );

  test('are one voice: with one source beside them the time is agreed', async () => {
    expect(parts.trust.state().code).toBe('clock/no-agreement');
    await declare.declare(word('alice@corp.example'));
    expect(await codeOf(declare.confirm(word('alice@corp.example')))).toBe('clock/same-person');
    const report = await declare.confirm(word('bob@corp.example', START_MS + 800));
    expect(report).toMatchObject({ trusted: true, standing: 'agreed' });
    const told = await events(`declare:${node}`);
    expect(told.map(({ code, outcome, actor }) => [code, outcome, (actor as { id: string }).id])).toEqual([
      ['clock.declared', 'intended', 'alice@corp.example'],
      ['clock.declared', 'success', 'alice@corp.example'],
      ['clock.declared', 'success', 'bob@corp.example'],
    ]);
    expect(JSON.stringify(told)).not.toContain('password of');
  });

  test('do not count when they are not who they say, nor when it cannot be recorded', async () => {
    expect(await codeOf(declare.declare({ ...word('alice@corp.example'), password: 'a guess' }))).toBe(
      'clock/person',
    );
    expect(await events(`declare:${node}`)).toEqual([]);
    const away = {
      connect: () => Promise.reject(new Fault('unavailable', 'database/away', 'away')),
    } as unknown as Pool;
    const unrecorded = new DeclareTime({ pool: away, record: recorder(), watch: parts.watch, persons });
    expect(await codeOf(unrecorded.declare(word('alice@corp.example')))).toBe('database/away');
    expect(await codeOf(declare.confirm(word('bob@corp.example')))).toBe('clock/nothing-declared');
  });

  test('need a source of theirs in the settings', async () => {
    const { watch } = parts;
    const none = new ClockWatch({
      trust: watch.trust,
      sources: [],
      pollSeconds: 1,
      maximumJumpMs: 1,
      logger: quietLogger,
    });
    const nobody = new DeclareTime({ pool, record: recorder(), watch: none, persons });
    expect(await codeOf(nobody.declare(word('alice@corp.example')))).toBe('clock/no-declared-source');
  });
});
