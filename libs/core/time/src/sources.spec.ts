/** Answers of time services: real ones that were recorded, and what a liar could make of them. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isFault } from '#core/fault';
import { fromHex } from '#core/octets';
import {
  chronyTrackingRequest,
  formatNtpRequest,
  parseChronyTracking,
  parseNtpAnswer,
  parseNtpTimestamp,
  parsePmcReport,
} from './index.js';

const COOKIE = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const AT = Date.UTC(2026, 10, 22, 2, 10, 17);

function faultOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (isFault(error)) return error.code;
    throw error;
  }
  return 'none';
}

/** A good answer of a server of stratum 2; `change` spoils it. */
function answer(change: (packet: Uint8Array, view: DataView) => void = () => undefined): Uint8Array {
  const packet = new Uint8Array(48);
  const view = new DataView(packet.buffer);
  packet.set([0x24, 2, 6, 0xe9, 0, 0, 0, 0x80, 0, 0, 1, 0, 10, 0, 0, 1]);
  packet.set(COOKIE, 24);
  const seconds = AT / 1000 + 2_208_988_800;
  view.setUint32(32, seconds);
  view.setUint32(40, seconds);
  view.setUint32(44, 0x8000_0000);
  change(packet, view);
  return packet;
}

describe('an answer over NTP', () => {
  test('tells when the server got the question, when it answered, and how far its root is', () => {
    const read = parseNtpAnswer(answer(), COOKIE, AT);
    expect(read).toMatchObject({ leap: 0, stratum: 2, receivedMs: AT, transmittedMs: AT + 500 });
    expect([read.rootDelayMs, read.rootDispersionMs]).toEqual([(128 / 65536) * 1000, (256 / 65536) * 1000]);
  });

  test.each<[string, string, (packet: Uint8Array, view: DataView) => void]>([
    ['another origin', 'time/ntp-not-ours', (packet) => packet.set([9], 24)],
    ['the origin of a replay, all zero', 'time/ntp-not-ours', (packet) => packet.fill(0, 24, 32)],
    ['a client’s mode', 'time/ntp-not-ours', (packet) => packet.set([0x23], 0)],
    ['a kiss of death', 'time/ntp-kiss', (packet) => packet.set([0], 1)],
    ['leap 3', 'time/ntp-unsynchronised', (packet) => packet.set([0xe4], 0)],
    ['stratum 16', 'time/ntp-unsynchronised', (packet) => packet.set([16], 1)],
    ['no time', 'time/ntp-malformed', (packet) => packet.fill(0, 40, 48)],
    [
      'an answer before the question',
      'time/ntp-malformed',
      (_packet, view) => view.setUint32(32, view.getUint32(32) + 1),
    ],
    ['a root 16 s away', 'time/ntp-malformed', (_packet, view) => view.setUint32(8, 16 << 16)],
    ['version 1', 'time/ntp-malformed', (packet) => packet.set([0x0c], 0)],
  ])('with %s is %s', (_what, code, change) => {
    expect(faultOf(() => parseNtpAnswer(answer(change), COOKIE, AT))).toBe(code);
  });

  test('says which kiss it was', () => {
    const kiss = answer((packet) => {
      packet[1] = 0;
      packet.set([0x44, 0x45, 0x4e, 0x59], 12);
    });
    expect(() => parseNtpAnswer(kiss, COOKIE, AT)).toThrow('DENY');
  });

  test('of any octets is read or refused, never a defect', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (octets) => {
        expect(faultOf(() => parseNtpAnswer(octets, COOKIE, AT))).toMatch(/^(none|time\/)/);
        octets.set(COOKIE.subarray(0, Math.max(0, octets.length - 24)), Math.min(24, octets.length));
        expect(faultOf(() => parseNtpAnswer(octets, COOKIE, AT))).toMatch(/^(none|time\/)/);
      }),
    );
  });

  test('keeps its meaning when the seconds begin again in 2036', () => {
    const view = new DataView(new ArrayBuffer(8));
    const after = Date.UTC(2036, 1, 7, 6, 28, 17);
    view.setUint32(0, 1);
    expect(parseNtpTimestamp(view, 0, after)).toBe(after);
  });

  test('answers a request that says nothing but a random number', () => {
    const request = formatNtpRequest(COOKIE);
    expect([request.length, request[0], [...request.subarray(40)]]).toEqual([48, 0x23, [...COOKIE]]);
    expect(request.subarray(1, 40).every((octet) => octet === 0)).toBe(true);
  });
});

describe('a report of chronyd', () => {
  // Recorded from chronyd 4.3 that follows a server of stratum 3 on the loopback; chronyc said "-0.000001364".
  const RECORDED =
    '06020000002100050000000000000000deadbeef00000000000000007f0000017f0000010000000000000000000000000001000000040000' +
    '000000006b024f090003ed78dd48e443d749b6d1daaccf95f6e3cac7f34bde30fef2a680e0ad2410dcb5e1310481f2bf';
  const spoilt = (at: number, ...octets: number[]): Uint8Array => {
    const packet = fromHex(RECORDED);
    packet.set(octets, at);
    return packet;
  };

  test('tells what the clock still needs, and how far the root may be off', () => {
    const read = parseChronyTracking(fromHex(RECORDED), 0xdeadbeef);
    expect(read).toMatchObject({ referenceId: '7f000001', stratum: 4, leap: 0 });
    expect(new Date(read.referenceMs).toISOString()).toBe('2026-11-22T02:10:17.000Z');
    expect(read.correctionMs).toBeCloseTo(-0.001364, 6);
    expect(read.rootDelayMs).toBeCloseTo(0.0052, 3);
    expect(read.rootDispersionMs).toBeCloseTo(0.0013, 3);
  });

  test('of a chronyd that follows nobody is no time', () => {
    expect(faultOf(() => parseChronyTracking(spoilt(54, 0, 3), 0xdeadbeef))).toBe(
      'time/chrony-unsynchronised',
    );
    expect(faultOf(() => parseChronyTracking(spoilt(52, 0, 0), 0xdeadbeef))).toBe(
      'time/chrony-unsynchronised',
    );
  });

  test.each([
    ['another sequence', 'time/chrony-not-ours', spoilt(16, 1)],
    ['another version', 'time/chrony-version', spoilt(0, 7)],
    ['a refusal', 'time/chrony-refused', spoilt(8, 0, 2)],
    ['too few octets', 'time/chrony-refused', fromHex(RECORDED).subarray(0, 60)],
  ])('with %s is %s', (_what, code, packet) => {
    expect(faultOf(() => parseChronyTracking(packet, 0xdeadbeef))).toBe(code);
  });

  test('is asked for with a packet as long as the answer', () => {
    const request = chronyTrackingRequest(0xdeadbeef);
    expect([request.length, request[0], request[1], request[5]]).toEqual([
      fromHex(RECORDED).length,
      6,
      1,
      33,
    ]);
  });
});

describe('a report of pmc', () => {
  const FOLLOWING = `sending: GET TIME_STATUS_NP
sending: GET CURRENT_DATA_SET
\t90e2ba.fffe.20c7f8-0 seq 0 RESPONSE MANAGEMENT TIME_STATUS_NP
\t\tmaster_offset              -310
\t\tingress_time               1361545089345029441
\t\tcumulativeScaledRateOffset +1.000000000
\t\tgmPresent                  true
\t\tgmIdentity                 00a069.fffe.0b552d
\t90e2ba.fffe.20c7f8-0 seq 1 RESPONSE MANAGEMENT CURRENT_DATA_SET
\t\tstepsRemoved        1
\t\toffsetFromMaster  -142.0
\t\tmeanPathDelay     9310.0
`;

  test('tells how far the local clock is from the master', () => {
    expect(parsePmcReport(FOLLOWING)).toMatchObject({
      masterOffsetMs: -0.00031,
      meanPathDelayMs: 0.00931,
      grandmaster: '00a069.fffe.0b552d',
      stepsRemoved: 1,
    });
    expect(parsePmcReport(FOLLOWING).ingressMs).toBeCloseTo(1_361_545_089_345.03, 1);
  });

  test('of a clock that follows nobody, or of nobody, is no time', () => {
    expect(faultOf(() => parsePmcReport(FOLLOWING.replace('true', 'false')))).toBe('time/ptp-unsynchronised');
    expect(faultOf(() => parsePmcReport('sending: GET TIME_STATUS_NP\n'))).toBe('time/ptp-no-answer');
    // More digits than a number can hold would be an endless one.
    expect(faultOf(() => parsePmcReport(FOLLOWING.replace('-310', '9'.repeat(400))))).toBe('time/ptp-no-answer');
  });
});
