import { describe, expect, test } from '@jest/globals';
import { Fault } from '#core/fault';
import { HeldClock } from './clock.js';
import { HealthProbes } from './health.js';

describe('readiness', () => {
  test('names each dependency, and fails with the first essential one', async () => {
    const probes = new HealthProbes(() => 0);
    probes.add('database', () => ({ replicas: 2 }));
    probes.add('redis', () => Promise.reject(new Fault('unavailable', 'x/y', 'Redis is away')), {
      essential: false,
    });
    expect(await probes.readiness()).toEqual({
      ready: true,
      dependencies: {
        database: { status: 'ok', facts: { replicas: 2 } },
        redis: { status: 'failed', reason: 'Redis is away' },
      },
    });
    probes.add('hsm', () => {
      throw new Error('CKR_DEVICE_ERROR with the PIN 1234');
    });
    const { ready, dependencies } = await probes.readiness();
    expect(ready).toBe(false);
    expect(dependencies['hsm']).toEqual({ status: 'failed', reason: 'failed; the log says why' });
  });

  test('does not wait for a probe that hangs', async () => {
    const probes = new HealthProbes(() => 0);
    probes.add('hsm', () => new Promise<void>(() => undefined), { timeoutMs: 5 });
    expect((await probes.readiness()).dependencies['hsm']?.reason).toBe('no answer within 5 ms');
  });

  test('asks again after a second, not before', async () => {
    const clock = new HeldClock(0);
    const probes = new HealthProbes(() => clock.nowMs());
    let asked = 0;
    probes.add('database', () => {
      asked++;
    });
    await probes.readiness();
    await probes.readiness();
    expect(asked).toBe(1);
    clock.advance(1000);
    await probes.readiness();
    expect(asked).toBe(2);
  });
});
