/** Sources over real sockets and processes: servers that are late, lie, replay or send us away. */
import { createSocket, type Socket } from 'node:dgram';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { isFault } from '#core/fault';
import { fromHex } from '#core/octets';
import { TimeServer } from '../../../../test/kit/time-server.js';
import { HeldClock } from '../clock.js';
import { parseSettings, type Settings } from '../settings.js';
import { ChronySource } from './chrony-source.js';
import { DeclaredSource } from './declared-source.js';
import { NtpSource } from './ntp-source.js';
import { isStandalone } from './open-sources.js';
import { PtpSource } from './ptp-source.js';
import { type Reading, steadyClock } from './time-source.js';

async function outcome(act: () => Promise<unknown>): Promise<string> {
  try {
    await act();
    return 'none';
  } catch (error) {
    if (isFault(error)) return error.code;
    throw error;
  }
}

/** What the source says, less the clock of this machine; both read as close together as can be. */
/** A busy machine may stop us between two clocks: the pair that was read the quickest tells. */
function offsetOf({ epochMs }: Reading): number {
  const tries = Array.from({ length: 50 }, () => {
    const before = performance.now();
    const steadyMs = steadyClock();
    const after = performance.now();
    const trueMs = performance.timeOrigin + (before + after) / 2;
    return { gapMs: after - before, offsetMs: epochMs + steadyMs - trueMs };
  });
  return tries.reduce((best, one) => (one.gapMs < best.gapMs ? one : best)).offsetMs;
}

describe('a time server', () => {
  let server: TimeServer;
  let source: NtpSource;
  let steadyMs = 0;
  beforeEach(async () => {
    server = await TimeServer.open();
    steadyMs = 0;
    source = new NtpSource('a', '127.0.0.1', server.port, () => steadyClock() + steadyMs);
  });
  afterEach(() => server.close());

  test('tells the time within the bounds that it is told with, by an address or by a name', async () => {
    server.offsetMs = 1234;
    for (const host of ['127.0.0.1', 'localhost']) {
      const reading = await new NtpSource('a', host, server.port, steadyClock).read();
      expect(Math.abs(offsetOf(reading) - 1234)).toBeLessThanOrEqual(reading.errorMs);
      expect(reading.facts).toMatchObject({ stratum: 1, leap: 0, referenceId: '47505300' });
    }
  });

  test('that is late is believed less, by half of how late it may be', async () => {
    server.delayMs = 200;
    const reading = await source.read();
    expect(reading.errorMs).toBeGreaterThanOrEqual(100);
    expect(Math.abs(offsetOf(reading))).toBeLessThanOrEqual(reading.errorMs);
  });

  test('that replays an older answer, or answers nobody’s question, is not heard', async () => {
    await source.read();
    server.conduct = 'replaying';
    expect(await outcome(() => source.read())).toBe('time/no-answer');
    server.conduct = 'unsolicited';
    expect(await outcome(() => source.read())).toBe('time/no-answer');
  });

  test('is heard although a forger was faster', async () => {
    server.conduct = 'outrun';
    const reading = await source.read();
    expect(Math.abs(offsetOf(reading))).toBeLessThanOrEqual(reading.errorMs);
  });

  test('that has no time itself, or is not there, is a fault that says so', async () => {
    server.conduct = 'unsynchronised';
    expect(await outcome(() => source.read())).toBe('time/ntp-unsynchronised');
    const nobody = new NtpSource('a', 'no-such-host.invalid', 123, steadyClock);
    expect(await outcome(() => nobody.read())).toBe('time/unknown-host');
  });

  test('that asks for rest gets it, longer each time; one that denies us is never asked again', async () => {
    server.conduct = 'kiss';
    expect(await outcome(() => source.read())).toBe('time/ntp-kiss');
    server.conduct = 'honest';
    expect(await outcome(() => source.read())).toBe('time/ntp-kiss');
    expect(server.requests).toBe(1);
    steadyMs += 65_000;
    expect(await outcome(() => source.read())).toBe('none');
    server.conduct = 'kiss';
    await outcome(() => source.read());
    server.conduct = 'honest';
    steadyMs += 65_000;
    expect(await outcome(() => source.read())).toBe('time/ntp-kiss');
    steadyMs += 65_000;
    expect(await outcome(() => source.read())).toBe('none');
    server.conduct = 'kiss';
    server.kiss = 'DENY';
    await outcome(() => source.read());
    server.conduct = 'honest';
    steadyMs += 1e12;
    const before = server.requests;
    expect(await outcome(() => source.read())).toBe('time/ntp-kiss');
    expect(server.requests).toBe(before);
  });
});

describe('the chronyd of this host', () => {
  // Recorded from chronyd 4.3: octets 16 to 19 are the sequence, 28 the reference, 52 stratum and leap, 60 the time.
  const RECORDED = fromHex(
    '06020000002100050000000000000000deadbeef00000000000000007f0000017f0000010000000000000000000000000001000000040000' +
      '000000006b024f090003ed78dd48e443d749b6d1daaccf95f6e3cac7f34bde30fef2a680e0ad2410dcb5e1310481f2bf',
  );
  const RECORDED_MS = Date.UTC(2026, 10, 22, 2, 10, 17);
  let daemon: Socket;
  let change: (packet: Buffer) => void;
  beforeEach(async () => {
    change = () => undefined;
    daemon = createSocket('udp4');
    daemon.on('message', (request, from) => {
      const packet = Buffer.from(RECORDED);
      request.copy(packet, 16, 8, 12);
      change(packet);
      // Shorter requests are not answered: see chronyd's own rule against amplification.
      if (request.length >= packet.length) daemon.send(packet, from.port, from.address);
    });
    await new Promise<void>((resolve) => daemon.bind(0, '127.0.0.1', resolve));
  });
  afterEach(() => new Promise<void>((resolve) => daemon.close(() => resolve())));
  const source = (nowMs: number): ChronySource =>
    new ChronySource('c', daemon.address().port, 4096, new HeldClock(nowMs), () => 5000);

  test('says what the clock of this machine still needs', async () => {
    const reading = await source(RECORDED_MS + 1000).read();
    expect(reading.epochMs).toBeCloseTo(RECORDED_MS + 1000 - 5000, 1);
    expect(reading.errorMs).toBeLessThan(1.1);
    expect(reading.facts).toMatchObject({ stratum: 4, ageSeconds: 1, referenceId: '7f000001' });
  });

  test('is no second voice when it follows the clock of this machine, or nothing for too long', async () => {
    expect(await outcome(() => source(RECORDED_MS + 5_000_000).read())).toBe('time/chrony-stale');
    change = (packet) => packet.writeUInt32BE(0x7f7f0101, 28);
    expect(await outcome(() => source(RECORDED_MS).read())).toBe('time/chrony-local');
    change = (packet) => packet.writeUInt16BE(3, 54);
    expect(await outcome(() => source(RECORDED_MS).read())).toBe('time/chrony-unsynchronised');
  });

  test('is not heard when somebody else answers in its place', async () => {
    change = (packet) => packet.writeUInt32BE(1, 16);
    expect(await outcome(() => source(RECORDED_MS).read())).toBe('time/no-answer');
  });
});

describe('the ptp4l of this host', () => {
  const directory = mkdtempSync(join(tmpdir(), 'pmc-'));
  afterAll(() => rmSync(directory, { recursive: true }));

  function source(nowMs: number, report: string, exit = 0): PtpSource {
    const pmc = join(directory, 'pmc');
    writeFileSync(
      pmc,
      `#!/bin/sh\n[ "$*" = "-u -b 0 -i ${directory}/pmc.${process.pid} -s /run/x GET TIME_STATUS_NP GET CURRENT_DATA_SET" ] || exit 9\ncat <<'E'\n${report}\nE\nexit ${exit}\n`,
      { mode: 0o755 },
    );
    return new PtpSource({
      name: 'p',
      pmc,
      socket: '/run/x',
      runtimeDir: directory,
      clock: new HeldClock(nowMs),
      steadyMs: () => 5000,
    });
  }
  const report = (ingressMs: number): string =>
    `\t\tmaster_offset 2000000\n\t\tingress_time ${ingressMs}000000\n\t\tgmPresent true\n\t\tgmIdentity 00a069.fffe.0b552d\n\t\tstepsRemoved 1\n\t\tmeanPathDelay 9310.0`;
  const NOW_MS = Date.UTC(2026, 10, 22);

  test('says how far the clock of this machine is from its master', async () => {
    const reading = await source(NOW_MS, report(NOW_MS - 500)).read();
    expect(reading.epochMs).toBe(NOW_MS - 2 - 5000);
    expect(reading.facts).toMatchObject({ grandmaster: '00a069.fffe.0b552d', stepsRemoved: 1 });
  });

  test('is refused by name when the clock that it steers is another one, in atomic time', async () => {
    expect(await outcome(() => source(NOW_MS, report(NOW_MS + 37_000)).read())).toBe('time/ptp-other-clock');
  });

  test('is lost when it cannot be asked', async () => {
    expect(await outcome(() => source(NOW_MS, '', 1).read())).toBe('time/ptp-no-answer');
  });
});

describe('two persons', () => {
  let steadyMs = 0;
  const said = (person: string, timeMs: number, withinMs = 1000) => ({ person, timeMs, withinMs });
  let source: DeclaredSource;
  beforeEach(() => {
    steadyMs = 1000;
    source = new DeclaredSource('wall', 3600, () => steadyMs);
  });

  test('tell the time together, where what they say meets', async () => {
    expect(await outcome(() => source.read())).toBe('time/not-declared');
    source.declare(said('alice', 1_000_000));
    expect(await outcome(() => source.read())).toBe('time/not-declared');
    steadyMs += 60_000;
    source.confirm(said('bob', 1_060_500));
    expect(await source.read()).toMatchObject({ epochMs: 999_250, errorMs: 750, atSteadyMs: 1000 });
    steadyMs += 3_600_000;
    expect(await outcome(() => source.read())).toBe('time/declaration-over');
  });

  test('are two, agree, and do not take all day', async () => {
    const confirm = (person: string, timeMs: number) =>
      outcome(async () => source.confirm(said(person, timeMs)));
    expect(await confirm('bob', 0)).toBe('clock/nothing-declared');
    source.declare(said('alice', 1_000_000));
    expect(await confirm('alice', 1_000_000)).toBe('clock/same-person');
    expect(await confirm('bob', 1_003_000)).toBe('clock/declarations-differ');
    expect(await confirm('bob', 1_000_000)).toBe('clock/nothing-declared');
    source.declare(said('alice', 1_000_000));
    steadyMs += 900_001;
    expect(await confirm('bob', 1_900_001)).toBe('clock/nothing-declared');
    expect(await outcome(() => source.read())).toBe('time/not-declared');
  });
});

describe('production', () => {
  const of = (mode: Settings['mode'], clock: object): Pick<Settings, 'mode' | 'clock'> => {
    const whole = {
      mode,
      stateDir: '/s',
      runtimeDir: '/r',
      instance: '/i',
      database: { host: '/r', name: 'a', runtimeUser: 'a', port: 1 },
      redis: { socket: '/r' },
      hsm: { tokens: { online: { module: '/m', uri: 'pkcs11:token=t', pinSource: '/p' } } },
      listen: { public: [{ address: '::1', port: 1 }], admin: { socket: '/a' } },
      tls: { certificate: '/c', key: '/k' },
      identity: { issuers: '/i' },
      clock,
    };
    return parseSettings(JSON.stringify(whole));
  };
  const ntp = (name: string): object => ({ kind: 'ntp', name, host: 'x' });

  test('has two sources, or says on purpose that it stands alone', () => {
    expect(() => isStandalone(of('production', {}))).toThrow('clock.trust: standalone');
    expect(() => isStandalone(of('production', { sources: [ntp('a')] }))).toThrow('1 of the 2 sources');
    expect(isStandalone(of('production', { trust: 'standalone' }))).toBe(true);
    expect(isStandalone(of('production', { sources: [ntp('a'), ntp('b')] }))).toBe(false);
    expect(isStandalone(of('evaluation', {}))).toBe(true);
    expect(() => isStandalone(of('evaluation', { sources: [ntp('a')] }))).toThrow('1 of the 2 sources');
  });
});
