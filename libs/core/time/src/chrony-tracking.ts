/**
 * What chronyd says about the clock that it keeps: its `tracking` report, over its own command protocol.
 *
 * Version 6 of that protocol, in use since chrony 2.0; other versions say so and are refused. A report names the
 * correction that the system clock still needs, and how far the root of the chain may be off; whoever asks adds the
 * time of asking. Everything is big-endian; a real number has a 7-bit signed exponent and a 25-bit signed coefficient.
 */
import { Fault } from '#core/fault';

const VERSION = 6;
const REQUEST = 1;
const REPLY = 2;
const TRACKING = 33;
const TRACKING_REPLY = 5;
/** A request is as long as its answer, so that nobody can use chronyd to amplify. */
const OCTETS = 104;
const BODY = 28;
const NOT_SYNCHRONISED = 3;

export interface ChronyTracking {
  /** Four octets, hexadecimal; 7f7f0101 is chronyd's own clock. */
  readonly referenceId: string;
  readonly stratum: number;
  readonly leap: number;
  /** When the clock was last corrected by a measurement, milliseconds since 1970. */
  readonly referenceMs: number;
  /** True time less the system clock, in milliseconds: positive when the clock is slow. */
  readonly correctionMs: number;
  readonly rootDelayMs: number;
  readonly rootDispersionMs: number;
}

/** @param sequence 32 bits that the answer must repeat */
export function chronyTrackingRequest(sequence: number): Uint8Array {
  const packet = new Uint8Array(OCTETS);
  const view = new DataView(packet.buffer);
  packet[0] = VERSION;
  packet[1] = REQUEST;
  view.setUint16(4, TRACKING);
  view.setUint32(8, sequence);
  return packet;
}

/**
 * @throws {Fault} time/chrony-not-ours for what does not answer this request; time/chrony-version,
 *   time/chrony-refused, time/chrony-unsynchronised
 */
export function parseChronyTracking(packet: Uint8Array, sequence: number): ChronyTracking {
  const notOurs = (why: string): Fault => new Fault('unverified', 'time/chrony-not-ours', why);
  if (packet.length < BODY) throw notOurs('shorter than a reply of chronyd');
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  if (packet[1] !== REPLY || view.getUint16(4) !== TRACKING) throw notOurs('no reply to a tracking request');
  if (view.getUint32(16) !== sequence) throw notOurs('it answers another request');
  if (packet[0] !== VERSION) {
    throw new Fault(
      'refused',
      'time/chrony-version',
      `this chronyd speaks version ${packet[0]} of its protocol; version ${VERSION} is known here (chrony 2.0 and newer)`,
    );
  }
  const status = view.getUint16(8);
  if (status !== 0 || view.getUint16(6) !== TRACKING_REPLY || packet.length < OCTETS) {
    throw new Fault('refused', 'time/chrony-refused', `chronyd does not tell us (status ${status})`);
  }
  const leap = view.getUint16(BODY + 26);
  const stratum = view.getUint16(BODY + 24);
  const referenceId = view.getUint32(BODY).toString(16).padStart(8, '0');
  if (leap === NOT_SYNCHRONISED || stratum === 0 || stratum >= 16) {
    throw new Fault(
      'unavailable',
      'time/chrony-unsynchronised',
      'chronyd says that the clock is not synchronised',
    );
  }
  const high = view.getUint32(BODY + 28);
  // A chronyd with 32-bit seconds puts a mark where the upper half would stand.
  const seconds = (high === 0x7fffffff ? 0 : high) * 2 ** 32 + view.getUint32(BODY + 32);
  return {
    referenceId,
    stratum,
    leap,
    referenceMs: seconds * 1000 + view.getUint32(BODY + 36) / 1_000_000,
    correctionMs: real(view, BODY + 40) * 1000,
    rootDelayMs: real(view, BODY + 64) * 1000,
    rootDispersionMs: real(view, BODY + 68) * 1000,
  };
}

function real(view: DataView, at: number): number {
  const bits = view.getInt32(at);
  const coefficient = (bits << 7) >> 7;
  return coefficient * 2 ** ((bits >> 25) - 25);
}
