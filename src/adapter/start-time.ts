/** Seconds since 1970 from a number of them or a date in UTC like 2026-01-31T12:00:00Z; undefined when it is neither. */
export function parseStartTime(text: string): number | undefined {
  const isDate = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?Z)?$/.test(text);
  const seconds = isDate ? Date.parse(text) / 1000 : /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(seconds) && seconds >= 0 && seconds <= MOST_SECONDS ? seconds : undefined;
}

/** The clock counts nanoseconds in 64 bits; half of them are left for the run. */
const MOST_SECONDS = 2 ** 33;
