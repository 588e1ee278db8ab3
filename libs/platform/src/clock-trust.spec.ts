import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Fault } from '#core/fault';
import { HeldClock } from './clock.js';
import { ClockTrust } from './clock-trust.js';
import { ClockSettings } from './settings-clock.js';
import type { Reading } from './time/time-source.js';

const directory = mkdtempSync(join(tmpdir(), 'clock-'));
afterAll(() => rmSync(directory, { recursive: true }));

const START_MS = Date.UTC(2026, 10, 22);
const YEAR_MS = 366 * 86_400_000;
const A = { name: 'a', kind: 'ntp' as const };
const B = { ...A, name: 'b' };
const C = { ...A, name: 'c' };

/** A machine whose clock, steady clock and sources are held: the truth begins at START_MS with the steady clock at 0. */
class Machine {
  readonly clock: HeldClock;
  readonly trust: ClockTrust;
  steadyMs = 0;

  constructor(options: { settings?: object; standalone?: boolean; floorMs?: number; aheadMs?: number } = {}) {
    const { settings = {}, standalone = false, floorMs, aheadMs = 0 } = options;
    this.clock = new HeldClock(START_MS + aheadMs);
    this.trust = new ClockTrust({
      settings: ClockSettings.parse(settings),
      standalone,
      clock: this.clock,
      steadyMs: () => this.steadyMs,
      floorMs,
    });
  }

  pass(ms: number): void {
    this.steadyMs += ms;
    this.clock.advance(ms);
  }

  /** What a source answers that is off by `offMs`. */
  reading(offMs = 0, errorMs = 1): Reading {
    return { epochMs: START_MS + offMs, errorMs, atSteadyMs: this.steadyMs, facts: {} };
  }

  hear(...answers: (Reading | Fault)[]): void {
    this.trust.observe(answers.map((answer, at) => [[A, B, C][at] ?? A, answer] as const));
  }

  get code(): string | undefined {
    return this.trust.state().code;
  }

  get truthMs(): number {
    return START_MS + this.steadyMs;
  }
}

const silent = new Fault('unavailable', 'time/no-answer', 'nobody there');
const broken = new Fault('unavailable', 'time/ntp-unsynchronised', 'not synchronised');

describe('a clock that stands alone', () => {
  test('is believed while it keeps pace with steady time, and says that it stands alone', () => {
    const machine = new Machine({ standalone: true });
    machine.pass(3_600_000);
    machine.clock.advance(-500);
    expect(machine.trust.state()).toEqual({ trusted: true, standing: 'standalone', jumpMs: -500 });
    machine.trust.check();
    expect(machine.trust.believedMs()).toBe(machine.clock.nowMs());
  });

  test.each([3_600_000, -3_600_000, 10 * YEAR_MS])(
    'is not believed after a jump of %d ms, and moves nothing',
    (jump) => {
      const machine = new Machine({ standalone: true });
      machine.clock.advance(jump);
      machine.pass(1000);
      expect(machine.code).toBe('clock/jumped');
      expect(() => machine.trust.check()).toThrow('moved by');
      expect(machine.trust.believedMs()).toBe(machine.truthMs);
    },
  );

  test('is not trusted below what was signed before, whatever restarts forget, until it has caught up', () => {
    const floorMs = START_MS + 60_000;
    const machine = new Machine({ standalone: true, floorMs });
    expect(machine.code).toBe('clock/below-floor');
    expect(machine.trust.believedMs()).toBe(floorMs);
    machine.pass(57_999);
    expect(machine.code).toBe('clock/below-floor');
    machine.pass(1);
    expect(machine.code).toBeUndefined();
    // Within the tolerance what was signed still bounds what will be.
    expect(machine.trust.believedMs()).toBe(floorMs);
    machine.pass(2001);
    expect(machine.trust.believedMs()).toBe(floorMs + 1);
  });

  test('is not trusted to have slept for years, and dates nothing there', () => {
    const machine = new Machine({ standalone: true, floorMs: START_MS - 367 * 86_400_000 });
    machine.pass(5000);
    expect(machine.code).toBe('clock/after-absence');
    expect(machine.trust.believedMs()).toBe(START_MS - 367 * 86_400_000 + 5000);
    const raised = new Machine({
      standalone: true,
      floorMs: START_MS - 367 * 86_400_000,
      settings: { maximumAbsenceDays: 400 },
    });
    expect([raised.code, raised.trust.believedMs()]).toEqual([undefined, START_MS]);
  });

  test('needs a recent synchronisation where the settings name a file for it', () => {
    const file = join(directory, 'synchronised');
    const machine = new Machine({ standalone: true, settings: { file, maximumAgeSeconds: 60 } });
    expect(machine.trust.state().reason).toContain('time service');
    writeFileSync(file, '');
    const seconds = START_MS / 1000;
    utimesSync(file, seconds - 10, seconds - 10);
    expect(machine.trust.state().trusted).toBe(true);
    utimesSync(file, seconds - 100, seconds - 100);
    expect([machine.code, machine.trust.state().reason]).toEqual([
      'clock/stale',
      expect.stringContaining('100 s ago'),
    ]);
  });
});

describe('a clock with sources', () => {
  test('is trusted from their first agreement on, not before, and then runs on from what was signed', () => {
    const floorMs = START_MS - 5_000_000;
    const machine = new Machine({ floorMs });
    machine.pass(10);
    expect([machine.code, machine.trust.believedMs()]).toEqual(['clock/no-agreement', floorMs + 10]);
    machine.hear(machine.reading(), silent);
    expect(machine.code).toBe('clock/no-agreement');
    machine.hear(machine.reading(3), machine.reading(-2));
    expect(machine.trust.state()).toMatchObject({ trusted: true, standing: 'agreed' });
    expect(machine.trust.believedMs()).toBe(machine.clock.nowMs());
  });

  test('is not trusted where they say another time than the machine, and what must be dated is dated by them', () => {
    const machine = new Machine({ aheadMs: 10 * YEAR_MS, floorMs: START_MS - 1000 });
    machine.hear(machine.reading(), machine.reading());
    expect(machine.code).toBe('clock/off');
    machine.pass(1000);
    expect(machine.trust.believedMs()).toBe(machine.truthMs);
  });

  test('outlives one liar among three, and two of two that differ for the holdover only', () => {
    const machine = new Machine({ settings: { holdoverSeconds: 100 } });
    machine.hear(machine.reading(), machine.reading(1), machine.reading(9_000_000));
    expect(machine.trust.report().sources.map(({ status }) => status)).toEqual([
      'agrees',
      'agrees',
      'contradicts',
    ]);
    expect(machine.trust.state().trusted).toBe(true);
    machine.pass(16_000);
    machine.hear(machine.reading(), machine.reading(7_000_000), broken);
    expect(machine.trust.state()).toMatchObject({ trusted: true, standing: 'holdover' });
    machine.pass(101_000);
    expect(machine.code).toBe('clock/holdover-over');
    // Believed it still is, for entries: nothing better is known.
    expect(machine.trust.believedMs()).toBe(machine.truthMs);
    machine.hear(machine.reading(), machine.reading());
    expect(machine.trust.state().standing).toBe('agreed');
  });

  test('ends its holdover when the drift may have eaten the accuracy, before the time is over', () => {
    const machine = new Machine({ settings: { driftPpm: 100, maximumErrorMs: 50, holdoverSeconds: 86_400 } });
    machine.hear(machine.reading(0, 10), machine.reading(0, 10));
    machine.hear(broken, broken);
    machine.pass(399_000);
    expect(machine.trust.report()).toMatchObject({
      standing: 'holdover',
      errorMs: 49.9,
      holdoverSeconds: 399,
    });
    machine.pass(2000);
    expect(machine.code).toBe('clock/holdover-over');
  });

  test('takes agreement on too little as none', () => {
    const machine = new Machine({ settings: { maximumErrorMs: 100 } });
    machine.hear(machine.reading(0, 200), machine.reading(0, 200));
    expect(machine.code).toBe('clock/no-agreement');
  });

  test('keeps a source over two answers that were lost, not over three, and not over a refusal', () => {
    const machine = new Machine();
    machine.hear(machine.reading(), machine.reading());
    machine.hear(machine.reading(), silent);
    machine.hear(machine.reading(), silent);
    expect(machine.trust.state().standing).toBe('agreed');
    machine.hear(machine.reading(), silent);
    expect(machine.trust.state().standing).toBe('holdover');
    machine.hear(machine.reading(), machine.reading());
    machine.hear(machine.reading(), broken);
    expect(machine.trust.state().standing).toBe('holdover');
  });

  test('is doubted at once when it is set while nobody asks, and trusted again when they say it is right', () => {
    const machine = new Machine();
    machine.hear(machine.reading(), machine.reading());
    machine.clock.advance(600);
    expect(machine.code).toBe('clock/off');
    machine.clock.advance(-600 + 10 * YEAR_MS);
    expect(machine.trust.believedMs()).toBe(machine.truthMs);
    machine.hear(machine.reading(), machine.reading());
    expect([machine.code, machine.trust.believedMs()]).toEqual(['clock/off', machine.truthMs]);
    machine.clock.advance(-10 * YEAR_MS);
    expect(machine.code).toBeUndefined();
  });

  test('of a machine that slept is right again at the next agreement, without a restart', () => {
    const machine = new Machine({ settings: { maximumAbsenceDays: 1 }, floorMs: START_MS - 5 * 86_400_000 });
    expect(machine.code).toBe('clock/after-absence');
    machine.hear(machine.reading(), machine.reading());
    expect(machine.code).toBeUndefined();
    machine.clock.advance(5000);
    const woken = (): Reading => ({ ...machine.reading(), epochMs: START_MS + 5000 });
    machine.hear(woken(), woken());
    expect([machine.code, machine.trust.believedMs()]).toEqual([undefined, START_MS + 5000]);
  });
});

test('whatever happens to clock and sources, believed time never falls below the floor, and never beyond what anybody said', () => {
  const step = fc.oneof(
    fc.record({ what: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 3_600_000 }) }),
    fc.record({
      what: fc.constant('set' as const),
      ms: fc.integer({ min: -20 * YEAR_MS, max: 20 * YEAR_MS }),
    }),
    fc.record({ what: fc.constant('agree' as const), ms: fc.integer({ min: -200, max: 200 }) }),
    fc.record({ what: fc.constant('lost' as const), ms: fc.constant(0) }),
    fc.record({ what: fc.constant('sign' as const), ms: fc.constant(0) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const machine = new Machine({ floorMs: START_MS - 1000 });
      let floorMs = START_MS - 1000;
      for (const { what, ms } of steps) {
        if (what === 'pass') machine.pass(ms);
        else if (what === 'set') machine.clock.advance(ms);
        else if (what === 'agree') machine.hear(machine.reading(ms), machine.reading(-ms));
        else if (what === 'lost') machine.hear(broken, broken, broken);
        else {
          floorMs = machine.trust.believedMs();
          machine.trust.raiseFloor(floorMs);
        }
        const believedMs = machine.trust.believedMs();
        expect(believedMs).toBeGreaterThanOrEqual(Math.floor(floorMs));
        // However far the clock was set: no further than the tolerances from the truth.
        expect(believedMs).toBeLessThanOrEqual(machine.truthMs + 2600);
        if (machine.trust.state().trusted) {
          expect(Math.abs(machine.clock.nowMs() - machine.truthMs)).toBeLessThanOrEqual(500 + 200 + 1);
        }
      }
    }),
  );
});
