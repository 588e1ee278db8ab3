/**
 * One question to a network time server and its answer (RFC 5905 §7.3), as a client that keeps no association.
 *
 * The request says nothing about us: its transmit time is a random number, which the server sends back, and which
 * nobody who does not see our packets can guess (RFC 9769 and the data minimisation drafts before it). An answer
 * without it is somebody else's, and is not an answer.
 */
import { Fault } from '#core/fault';
import { equalOctets } from '#core/octets';

export const NTP_PACKET_OCTETS = 48;
/** Seconds from 1900 to 1970. */
const ERA_SECONDS = 2_208_988_800;
const ERA_LENGTH = 2 ** 32;
const CLIENT_V4 = 0x23;
const SERVER = 4;
/** RFC 5905 §7.3: 16 is "unsynchronised". */
const STRATUM_LIMIT = 16;

export interface NtpAnswer {
  /** 0 none, 1 and 2 a leap second at the end of this UTC day. */
  readonly leap: number;
  readonly stratum: number;
  /** The server's own distance from its root, both ways, in milliseconds. */
  readonly rootDelayMs: number;
  readonly rootDispersionMs: number;
  /** Four octets, hexadecimal. */
  readonly referenceId: string;
  /** When the server got the request and when it answered, milliseconds since 1970. */
  readonly receivedMs: number;
  readonly transmittedMs: number;
  /** How fine the server's clock is, in milliseconds. */
  readonly precisionMs: number;
}

/** @param cookie eight random octets */
export function formatNtpRequest(cookie: Uint8Array): Uint8Array {
  if (cookie.length !== 8) throw new RangeError('a cookie has eight octets');
  const packet = new Uint8Array(NTP_PACKET_OCTETS);
  packet[0] = CLIENT_V4;
  packet.set(cookie, 40);
  return packet;
}

/**
 * Milliseconds since 1970 of a 64-bit timestamp, in the era that is nearest to `nearMs` (RFC 5905 §6: eras last 136
 * years, and the field does not say which).
 */
export function parseNtpTimestamp(octets: DataView, at: number, nearMs: number): number {
  const seconds = octets.getUint32(at) - ERA_SECONDS;
  const era = Math.round((nearMs / 1000 - seconds) / ERA_LENGTH);
  return (seconds + era * ERA_LENGTH) * 1000 + (octets.getUint32(at + 4) / ERA_LENGTH) * 1000;
}

/**
 * @param nearMs roughly now: which era is meant
 * @throws {Fault} time/ntp-not-ours for what does not answer this request: go on waiting. time/ntp-kiss with the
 *   server's code in `detail.kiss`; time/ntp-unsynchronised, time/ntp-malformed: the server cannot be used
 */
export function parseNtpAnswer(packet: Uint8Array, cookie: Uint8Array, nearMs: number): NtpAnswer {
  const notOurs = (why: string): Fault => new Fault('unverified', 'time/ntp-not-ours', why);
  if (packet.length < NTP_PACKET_OCTETS) throw notOurs('shorter than a packet of NTP');
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  const first = view.getUint8(0);
  const [leap, version, mode] = [first >> 6, (first >> 3) & 7, first & 7];
  if (mode !== SERVER) throw notOurs(`mode ${mode}, not a server's`);
  if (!equalOctets(packet.subarray(24, 32), cookie)) throw notOurs('it answers another request');

  const stratum = view.getUint8(1);
  if (stratum === 0) {
    const kiss = String.fromCharCode(...packet.subarray(12, 16)).replaceAll(/[^A-Z0-9]/g, '');
    throw new Fault('unavailable', 'time/ntp-kiss', `the server sends us away (${kiss})`, {
      detail: { kiss },
    });
  }
  if (leap === 3 || stratum >= STRATUM_LIMIT) {
    throw new Fault(
      'unavailable',
      'time/ntp-unsynchronised',
      'the server says that its own clock is not synchronised',
    );
  }
  const answer: NtpAnswer = {
    leap,
    stratum,
    rootDelayMs: shortMs(view, 4),
    rootDispersionMs: shortMs(view, 8),
    referenceId: view.getUint32(12).toString(16).padStart(8, '0'),
    receivedMs: parseNtpTimestamp(view, 32, nearMs),
    transmittedMs: parseNtpTimestamp(view, 40, nearMs),
    precisionMs: 2 ** view.getInt8(3) * 1000,
  };
  const blank = view.getUint32(40) === 0 && view.getUint32(44) === 0;
  const backwards = answer.transmittedMs < answer.receivedMs;
  // RFC 5905 A.5.1.1: a root distance of 16 s and more is no distance.
  const distant = answer.rootDelayMs / 2 + answer.rootDispersionMs >= 16_000;
  if (blank || backwards || distant || version < 3 || version > 4) {
    throw new Fault('malformed', 'time/ntp-malformed', 'the answer of the server contradicts itself');
  }
  return answer;
}

/** 16.16 bits of seconds. */
function shortMs(view: DataView, at: number): number {
  return (view.getUint32(at) / 65536) * 1000;
}
