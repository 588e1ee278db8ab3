/**
 * UTCTime and GeneralizedTime in the only spelling that RFC 5280 §4.1.2.5 allows: Zulu, with seconds,
 * without a fraction.
 *
 * An instant is a count of milliseconds since 1970-01-01T00:00:00Z. The calendar is computed here (proleptic
 * Gregorian) because a library that can construct dates can also read the clock, and core must not.
 */
import { Fault } from '#core/fault';

const DAY_MS = 86_400_000;

/** Days since 1970-01-01; years are counted from March so that the leap day is the last of its year. */
function daysFromCivil(year: number, month: number, day: number): number {
  const marchYear = month <= 2 ? year - 1 : year;
  const era = Math.floor(marchYear / 400);
  const yearOfEra = marchYear - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

interface CivilDate {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

/** The inverse of daysFromCivil. */
function civilFromDays(days: number): CivilDate {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1,
  };
}

/** `YYYYMMDDHHMMSSZ` of the whole second that `instantMs` lies in. */
export function generalizedTimeText(instantMs: number): string {
  const { year, month, day } = civilFromDays(Math.floor(instantMs / DAY_MS));
  if (!Number.isFinite(instantMs) || year < 0 || year > 9999)
    throw new RangeError(`no calendar year for ${instantMs}`);
  const seconds = Math.floor((((instantMs % DAY_MS) + DAY_MS) % DAY_MS) / 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  const clock = two(Math.floor(seconds / 3600)) + two(Math.floor(seconds / 60) % 60) + two(seconds % 60);
  return `${String(year).padStart(4, '0')}${two(month)}${two(day)}${clock}Z`;
}

/**
 * The instant of `YYYYMMDDHHMMSSZ`.
 *
 * @throws {Fault} der/time for every other spelling and for days that no calendar has
 */
export function parseGeneralizedTime(text: string): number {
  const match = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/.exec(text);
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = (match?.slice(1) ?? []).map(
    Number,
  );
  // A month that no year has would lead out of the years that can be written at all.
  const counted =
    match !== null && month >= 1 && month <= 12 && day <= 31 && hour < 24 && minute < 60 && second < 60;
  const instantMs = daysFromCivil(year, month, day) * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1000;
  // Writing it again is the check that no day overflowed into the next month: 31 February.
  if (!counted || day === 0 || generalizedTimeText(instantMs) !== text) {
    throw new Fault(
      'malformed',
      'der/time',
      'a time is written YYYYMMDDHHMMSSZ, in UTC, with seconds and no fraction',
    );
  }
  return instantMs;
}

/**
 * The instant of a UTCTime `YYMMDDHHMMSSZ`; years 50 to 99 lie in the twentieth century (RFC 5280 §4.1.2.5.1).
 *
 * @throws {Fault} der/time
 */
export function parseUtcTime(text: string): number {
  return parseGeneralizedTime(`${Number(text.slice(0, 2)) >= 50 ? '19' : '20'}${text}`);
}

/** Whether RFC 5280 §4.1.2.5 wants UTCTime for this instant: from 1950 up to the end of 2049. */
export function isUtcTimeYear(instantMs: number): boolean {
  const text = generalizedTimeText(instantMs);
  return text >= '1950' && text < '2050';
}
