/** The time is wrong, or nobody knows it: the log goes on, its time never goes back, and nothing is timestamped. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openTime } from '#clock';
import { Fault } from '#core/fault';
import { parseTimestampRequest } from '#core/timestamp';
import { fromUtf8 } from '#core/octets';
import { integer, nullValue, objectIdentifier, octetString, sequence } from '#core/der';
import { sha256 } from '#core/crypto';
import { checkEntry, openV1Log, readLookUps, type EntryChecker, type V1Log } from '#log';
import { HeldClock, type ClockTrust, type Settings } from '#platform';
import { StampTime } from '#timestamp';
import { freshTrees, quietLogger, type FreshTrees, type Replica } from '../../kit/fresh-trees.js';
import { shellSettings } from '../../kit/shell-settings.js';
import { hashedRekordV1 } from '../../kit/signed-artifact.js';
import { materialOf, SoftwareHsm } from '../../kit/software-hsm.js';

const START_MS = Date.UTC(2026, 10, 22);
const HOUR_MS = 3_600_000;
const YEAR_MS = 366 * 24 * HOUR_MS;
const checker: EntryChecker = {
  check: async (face, body) => checkEntry(face, body),
  lookUps: async (body) => readLookUps(body),
  close: async () => undefined,
};
const hsm = new SoftwareHsm();
const material = materialOf(hsm);
const directory = mkdtempSync(join(tmpdir(), 'flt-'));

let world: FreshTrees;

beforeAll(async () => {
  world = await freshTrees();
});
afterAll(async () => {
  await world.drop();
  rmSync(directory, { recursive: true, force: true });
});

/** An appliance whose clock and steady clock are held, started on the one database that all of these share. */
class Host {
  readonly clock: HeldClock;
  steadyMs = 0;
  #trust: ClockTrust | undefined;
  #log: V1Log | undefined;
  #replica: Replica | undefined;

  constructor(nowMs: number) {
    this.clock = new HeldClock(nowMs);
  }

  async start(clock: object = {}): Promise<this> {
    const settings: Settings = shellSettings(directory, world.database, { clock });
    const watch = await openTime(settings, quietLogger, { clock: this.clock, steadyMs: () => this.steadyMs });
    this.#trust = watch.trust;
    const believed = { nowMs: () => watch.trust.believedMs() };
    this.#replica = await world.replica({ clock: believed });
    this.#log = await openV1Log({ ...this.#replica, hsm, material, checker });
    return this;
  }

  get trust(): ClockTrust {
    if (this.#trust === undefined) throw new Error('not started');
    return this.#trust;
  }

  pass(ms: number): void {
    this.steadyMs += ms;
    this.clock.advance(ms);
  }

  /** The integrated time of a new entry, as its signed timestamp says it. */
  async append(): Promise<number> {
    if (this.#log === undefined) throw new Error('not started');
    const { json } = await this.#log.append(fromUtf8(JSON.stringify(hashedRekordV1(`${Math.random()}`))));
    const [entry] = Object.values(JSON.parse(json) as Record<string, { integratedTime: number }>);
    return (entry?.integratedTime ?? 0) * 1000;
  }

  /** What a request for a timestamp is answered while the clock is as it is: nothing is signed or written. */
  async stamp(): Promise<string> {
    const doubts: string[] = [];
    const touched = (): never => {
      throw new Error('a timestamp was made');
    };
    const stampTime = new StampTime({
      authorities: [],
      clock: this.clock,
      clockTrust: this.trust,
      ledger: { record: touched },
      random: touched,
      policies: ['1.3.6.1.4.1.57264.2'],
      clockDoubted: (reason) => doubts.push(reason),
    });
    const end = await stampTime.execute(request).catch((error: unknown) => error);
    if (end instanceof Fault) return end.code;
    expect(doubts).toHaveLength(1);
    return doubts[0] ?? '';
  }

  async stop(): Promise<void> {
    await this.#replica?.close();
  }
}

const algorithm = sequence(objectIdentifier('2.16.840.1.101.3.4.2.1'), nullValue());
const request = parseTimestampRequest(
  sequence(integer(1), sequence(algorithm, octetString(sha256(fromUtf8('signature')))), integer(99)),
);
/** A trusted clock goes on to look for a key, of which there is none here. */
const TRUSTED = 'timestamp/none-in-force';

let newest = 0;

/** Appends never stop, and their time never goes back. */
async function goesOn(host: Host): Promise<number> {
  const time = await host.append();
  expect(time).toBeGreaterThanOrEqual(newest);
  newest = time;
  return time;
}

test('case 50: a clock that goes back an hour stops no append, and takes no time back', async () => {
  const host = await new Host(START_MS).start();
  expect(await goesOn(host)).toBe(START_MS);
  expect(await host.stamp()).toBe(TRUSTED);
  host.pass(5000);
  host.clock.advance(-HOUR_MS);
  expect(await goesOn(host)).toBe(START_MS + 5000);
  expect(await host.stamp()).toMatch(/^clock\//);
  host.pass(60_000);
  expect(await goesOn(host)).toBe(START_MS + 65_000);
  await host.stop();

  // Nor does a restart forget it.
  const again = await new Host(host.clock.nowMs()).start();
  expect(await goesOn(again)).toBe(START_MS + 65_000);
  expect(await again.stamp()).toMatch(/^clock\//);
  again.pass(HOUR_MS + 1000);
  expect(await again.stamp()).toBe(TRUSTED);
  expect(await goesOn(again)).toBe(START_MS + 66_000);
  await again.stop();
});

test('case 50: a clock that is ten years ahead stops no append, and dates none there', async () => {
  const host = await new Host(newest).start();
  await goesOn(host);
  host.pass(1000);
  host.clock.advance(10 * YEAR_MS);
  expect(await goesOn(host)).toBeLessThan(START_MS + YEAR_MS);
  expect(await host.stamp()).toMatch(/^clock\//);
  await host.stop();

  const again = await new Host(newest + 10 * YEAR_MS).start();
  expect(await goesOn(again)).toBeLessThan(START_MS + YEAR_MS);
  expect(await again.stamp()).toMatch(/^clock\//);
  await again.stop();
});

test('case 50: sources that are lost: held over for a while, then no timestamps; appends go on all the time', async () => {
  const host = await new Host(newest).start({
    sources: ['a', 'b'].map((name) => ({ kind: 'ntp', name, host: '127.0.0.1', port: 9 })),
  });
  const sources = ['a', 'b'].map((name) => ({ name, kind: 'ntp' as const }));
  const hear = (): void =>
    host.trust.observe(
      sources.map((source) => [
        source,
        { epochMs: host.clock.nowMs() - host.steadyMs, errorMs: 1, atSteadyMs: host.steadyMs, facts: {} },
      ]),
    );
  const silence = new Fault('unavailable', 'time/ntp-unsynchronised', 'not synchronised');
  // Nobody has answered yet: entries are dated, nothing is timestamped.
  await goesOn(host);
  expect(await host.stamp()).toMatch(/^clock\//);
  hear();
  expect(await host.stamp()).toBe(TRUSTED);
  host.trust.observe(sources.map((source) => [source, silence]));
  expect(host.trust.state().standing).toBe('holdover');
  expect(await host.stamp()).toBe(TRUSTED);
  await goesOn(host);
  host.pass(8 * 24 * HOUR_MS);
  host.trust.observe(sources.map((source) => [source, silence]));
  expect(await host.stamp()).toMatch(/^clock\//);
  await goesOn(host);
  hear();
  expect(await host.stamp()).toBe(TRUSTED);
  await goesOn(host);
  await host.stop();
});
