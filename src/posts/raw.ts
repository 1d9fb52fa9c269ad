/** An object of foreign JSON: any field may be missing or of another type. */
export type Raw = Readonly<Record<string, unknown>>;

export function asObject(value: unknown): Raw {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Raw) : {};
}

/** Entries of one list of an item. TikTok allows 35 photos; captions of all languages are the longest list known. */
export const MAX_LIST = 500;

/** The objects of a list; none of a list that is longer than any post's. */
export function asObjects(value: unknown): Raw[] {
  return asList(value).map(asObject);
}

function asList(value: unknown): unknown[] {
  return Array.isArray(value) && value.length <= MAX_LIST ? value : [];
}

export function asString(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** A number, also where it is written as a string (`"collectCount": "16630"`). */
export function asNumber(value: unknown): number | null {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : null;
}

/** A whole number that is not negative; 0 for anything else. */
export function asCount(value: unknown): number {
  return Math.max(0, Math.trunc(asNumber(value) ?? 0));
}

export function asPositive(value: unknown): number | null {
  return asCount(value) || null;
}

/** The last second of the year 9999, the latest that ISO 8601 writes with four digits. */
const LAST_SECOND = 253_402_300_799;

/** A Unix time in seconds; null for 0, with which pages say that there is none. */
export function asTimestamp(value: unknown): number | null {
  const seconds = asNumber(value);
  return seconds !== null && seconds > 0 && seconds <= LAST_SECOND ? seconds : null;
}

/** A duration in seconds, in milliseconds. */
export function secondsToMs(seconds: unknown): number {
  return asCount(Math.round((asNumber(seconds) ?? 0) * 1000));
}

/** A web address, with https whatever the item says; null for anything else. */
export function asUrl(value: unknown): string | null {
  const address = asString(value).replace(/^(http:)?\/\//, 'https://');
  return address.startsWith('https://') && URL.canParse(address) ? address : null;
}

export function asUrls(value: unknown): string[] {
  const found = asList(value).map(asUrl);
  return [...new Set(found.filter((address) => address !== null))];
}
