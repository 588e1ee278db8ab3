import { describe, expect, test } from '@jest/globals';
import { HeldClock, parseLimits } from '#platform';
import { Pressure } from './pressure.js';

describe('pressure', () => {
  test('turns away one request too many, and admits again when one has left', () => {
    const pressure = new Pressure(parseLimits({ requestsInFlight: 2 }), new HeldClock(0));
    expect([pressure.enter('a'), pressure.enter('b'), pressure.enter('c')]).toEqual([
      'admitted',
      'admitted',
      'busy',
    ]);
    pressure.leave();
    expect(pressure.enter('c')).toBe('admitted');
  });

  test('limits each caller by itself, with a burst of two seconds', () => {
    const clock = new HeldClock(0);
    const pressure = new Pressure(parseLimits({ requestsPerSecond: 2 }), clock);
    const asks = (n: number, caller: string) => Array.from({ length: n }, () => pressure.enter(caller));
    expect(asks(5, 'a')).toEqual(['admitted', 'admitted', 'admitted', 'admitted', 'too-often']);
    expect(asks(1, 'b')).toEqual(['admitted']);
    clock.advance(500);
    expect(asks(2, 'a')).toEqual(['admitted', 'too-often']);
  });

  test('does not limit callers unless asked to', () => {
    const pressure = new Pressure(parseLimits({}), new HeldClock(0));
    for (let n = 0; n < 500; n++) {
      expect(pressure.enter('a')).toBe('admitted');
      pressure.leave();
    }
  });
});
