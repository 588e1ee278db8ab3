/** Clocks that vouch for the time: what they answer, and when several of them agree. No clock is read here. */
export { agree, type Agreement, type TimeInterval, type Verdict } from './agree.js';
export { chronyTrackingRequest, type ChronyTracking, parseChronyTracking } from './chrony-tracking.js';
export {
  formatNtpRequest,
  type NtpAnswer,
  NTP_PACKET_OCTETS,
  parseNtpAnswer,
  parseNtpTimestamp,
} from './ntp-packet.js';
export { parsePmcReport, type PmcReport } from './pmc-report.js';
