import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { HeldClock } from './clock.js';
import { ClockTrust } from './clock-trust.js';

const directory = mkdtempSync(join(tmpdir(), 'clock-'));
afterAll(() => rmSync(directory, { recursive: true }));

const assumed = { trust: 'assumed', maximumAgeSeconds: 60, maximumJumpMs: 2000 } as const;

describe('the clock', () => {
  test('is believed while it keeps pace with steady time', () => {
    const clock = new HeldClock(1_000_000);
    let steadyMs = 0;
    const trust = new ClockTrust(assumed, clock, () => steadyMs);
    clock.advance(3_600_000);
    steadyMs += 3_600_500;
    expect(trust.state()).toEqual({ trusted: true, jumpMs: -500 });
    trust.check();
  });

  test.each([5000, -5000])('is not believed after a jump of %d ms', (jump) => {
    const clock = new HeldClock(1_000_000);
    const trust = new ClockTrust(assumed, clock, () => 0);
    clock.advance(jump);
    expect(trust.state().trusted).toBe(false);
    expect(() => trust.check()).toThrow('moved by');
  });

  test('needs a recent synchronisation where the settings ask for one', () => {
    const file = join(directory, 'synchronised');
    const trust = new ClockTrust({ ...assumed, trust: 'file', file }, new HeldClock(1_000_000_000), () => 0);
    expect(trust.state().reason).toContain('time service');
    writeFileSync(file, '');
    utimesSync(file, 999_990, 999_990);
    expect(trust.state().trusted).toBe(true);
    utimesSync(file, 999_900, 999_900);
    expect(trust.state().reason).toContain('100 s ago');
  });
});
