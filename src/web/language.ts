import { refresh } from './dom.ts';
import en, { type Messages } from './lang/en.ts';
import { LANGUAGES } from './languages.ts';
import { readItem, writeItem } from './storage.ts';

/** Texts of the current language. */
export let t = en;
export let language = 'en';

export const LANGUAGE_NAMES = Object.entries(LANGUAGES).map(([code, { name }]) => [code, name] as const);

/** The selected language, else the first of the browser's that the page has, else English. */
export function preferredLanguage(): string {
  const wanted = [readItem('language'), ...navigator.languages.map((tag) => tag.split('-', 1)[0] ?? '')];
  return wanted.find((code) => code !== null && Object.hasOwn(LANGUAGES, code)) ?? 'en';
}

/** Loads a language and puts it into the page. Keeps the current one where that fails (offline). */
export async function applyLanguage(code: string): Promise<void> {
  const loaded = await LANGUAGES[code]?.load().catch(() => null);
  if (loaded) {
    t = loaded.default;
    language = code;
  }
  const root = document.documentElement;
  root.lang = language;
  root.dir = LANGUAGES[language]?.rtl ? 'rtl' : 'ltr';
  for (const element of document.querySelectorAll<HTMLElement>('[data-t]')) {
    element.textContent = t[element.dataset.t as Exclude<keyof Messages, 'errors'>];
  }
  refresh();
}

export function selectLanguage(code: string): Promise<void> {
  writeItem('language', code);
  return applyLanguage(code);
}

/** Replaces `{names}` in a text; numbers are written in the current language. */
export function format(text: string, values: Record<string, string | number>): string {
  return text.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name] ?? '';
    return typeof value === 'number' ? number(value) : value;
  });
}

export function number(value: number): string {
  return new Intl.NumberFormat(language).format(value);
}

/** @param value 0 to 1 */
export function percent(value: number): string {
  return new Intl.NumberFormat(language, { style: 'percent' }).format(value);
}

/** Such as 1.2M. */
export function compact(value: number): string {
  return new Intl.NumberFormat(language, { notation: 'compact' }).format(value);
}

export function bytes(value: number): string {
  const [amount, unit] =
    value < 1e6
      ? [value / 1e3, 'kilobyte']
      : value < 1e9
        ? [value / 1e6, 'megabyte']
        : [value / 1e9, 'gigabyte'];
  const digits = amount < 100 ? 1 : 0;
  const written = new Intl.NumberFormat(language, { style: 'unit', unit, maximumFractionDigits: digits });
  // A line does not end between the number and its unit.
  return written.format(amount).replace(' ', '\u00a0');
}

/** Such as 1:05. */
export function duration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  const two = (value: number) =>
    new Intl.NumberFormat(language, { minimumIntegerDigits: 2, useGrouping: false }).format(value);
  return `${number(Math.floor(seconds / 60))}:${two(seconds % 60)}`;
}

export function day(iso: string): string {
  return new Intl.DateTimeFormat(language, { dateStyle: 'medium' }).format(new Date(iso));
}

export function time(iso: string): string {
  return new Intl.DateTimeFormat(language, { timeStyle: 'short' }).format(new Date(iso));
}

/** A language's name in the current language. TikTok's tags are such as `eng-US`. */
export function languageName(tag: string): string {
  try {
    return new Intl.DisplayNames(language, { type: 'language' }).of(tag) ?? tag;
  } catch {
    return tag;
  }
}
