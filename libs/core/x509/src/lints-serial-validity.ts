/** Groups S and V: version, serial number and validity. */
import { isUtcTimeYear, TAG } from '#core/der';
import type { Lint, LintRole } from './lint-subject.js';

const DAY_MS = 86_400_000;
const YEAR_MS = 366 * DAY_MS;

/** Longest life of each role: leaves are Fulcio's ten minutes, the rest what the profiles allow at most. */
const LONGEST_MS: Readonly<Record<LintRole, number>> = {
  'code-root': 25 * YEAR_MS,
  'time-root': 25 * YEAR_MS,
  'code-intermediate': 8 * YEAR_MS,
  'tsa-intermediate': 15 * YEAR_MS,
  'tsa-leaf': 15 * YEAR_MS,
  precertificate: 600_000,
  'code-leaf': 600_000,
};

const CEREMONIAL: readonly LintRole[] = [
  'code-root',
  'time-root',
  'code-intermediate',
  'tsa-intermediate',
  'tsa-leaf',
];
const BELOW_A_ROOT: readonly LintRole[] = [
  'code-intermediate',
  'tsa-intermediate',
  'tsa-leaf',
  'precertificate',
  'code-leaf',
];

export const SERIAL_AND_VALIDITY_LINTS: readonly Lint[] = [
  {
    id: 'S1',
    severity: 'error',
    description: 'the version is 3',
    citation: 'RFC 5280 §4.1.2.1',
    check: ({ tbs }) => (tbs.version === 3 ? undefined : `the version is ${tbs.version}`),
  },
  {
    id: 'S2',
    severity: 'error',
    description: 'the serial number is positive and has at most 20 octets',
    citation: 'RFC 5280 §4.1.2.2',
    check: ({ tbs: { serial, serialOctets } }) => {
      if (serial <= 0n) return 'the serial number is not positive';
      return serialOctets.length > 20 ? `the serial number has ${serialOctets.length} octets` : undefined;
    },
  },
  {
    id: 'S3',
    severity: 'warning',
    description:
      'the serial number is long enough to hold 128 random bits, of which chance may clear some at the top',
    citation: 'CEREMONY S3; CA/B Baseline Requirements §7.1',
    check: ({ tbs: { serial } }) => {
      // A random serial of 127 bits is shorter than 96 bits once in 2^31 times.
      const bits = (serial < 0n ? -serial : serial).toString(2).length;
      return serial !== 0n && bits < 96 ? `the serial number has only ${bits} bits` : undefined;
    },
  },
  {
    id: 'S4',
    severity: 'error',
    description: 'the issuer never used the serial number before',
    citation: 'RFC 5280 §4.1.2.2',
    check: ({ tbs, context }) =>
      context.usedSerials?.has(tbs.serial) === true ? 'the serial number was used before' : undefined,
  },
  {
    id: 'V1',
    severity: 'error',
    description: 'times before 2050 are UTCTime, later ones GeneralizedTime',
    citation: 'RFC 5280 §4.1.2.5',
    check: ({ tbs: { notBeforeMs, notAfterMs, timeTags } }) => {
      const expected = [notBeforeMs, notAfterMs].map((ms) =>
        isUtcTimeYear(ms) ? TAG.UTC_TIME : TAG.GENERALIZED_TIME,
      );
      return expected.every((tag, index) => tag === timeTags[index])
        ? undefined
        : 'a time is written in the wrong type';
    },
  },
  {
    id: 'V2',
    severity: 'error',
    description: 'notBefore is before notAfter',
    citation: 'RFC 5280 §4.1.2.5',
    check: ({ tbs }) => (tbs.notBeforeMs < tbs.notAfterMs ? undefined : 'the validity ends before it begins'),
  },
  {
    id: 'V3',
    severity: 'error',
    description: 'the validity is no longer than the role allows',
    citation: 'CONTRACTS §1.6; CEREMONY V3',
    check: ({ tbs, role }) =>
      tbs.notAfterMs - tbs.notBeforeMs <= LONGEST_MS[role]
        ? undefined
        : `the validity is too long for a ${role}`,
  },
  {
    id: 'V4',
    severity: 'warning',
    description:
      'notAfter is inclusive, so whole days end with the second before midnight, not with one more',
    citation: 'RFC 5280 §4.1.2.5',
    roles: CEREMONIAL,
    check: ({ tbs: { notBeforeMs, notAfterMs } }) =>
      notAfterMs > notBeforeMs && (notAfterMs - notBeforeMs) % DAY_MS === 0
        ? 'the validity is one second longer than whole days'
        : undefined,
  },
  {
    id: 'V5',
    severity: 'error',
    description: 'notBefore is at most 24 hours before the planned instant',
    citation: 'CEREMONY V5',
    check: ({ tbs, context: { plannedAtMs } }) =>
      plannedAtMs !== undefined && tbs.notBeforeMs < plannedAtMs - DAY_MS
        ? 'the certificate is back-dated'
        : undefined,
  },
  {
    id: 'V6',
    severity: 'error',
    description: "the validity lies within the issuer's",
    citation: 'RFC 5280 §6.1; CEREMONY V6',
    roles: BELOW_A_ROOT,
    check: ({ tbs, issuer }) =>
      tbs.notBeforeMs < issuer.notBeforeMs || tbs.notAfterMs > issuer.notAfterMs
        ? "the validity reaches beyond the issuer's"
        : undefined,
  },
];
