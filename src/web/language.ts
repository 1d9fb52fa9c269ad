import { keep, kept } from './kept.ts';
import en, { type Messages } from './lang/en.ts';
import { LANGUAGES } from './languages.ts';

/** The texts in the language of the page. */
export let t = en;
export let language = 'en';

export const LANGUAGE_NAMES = Object.entries(LANGUAGES).map(([code, { name }]) => [code, name] as const);

/** The visitor's choice, else the first of the browser's languages that the page speaks, else English. */
export function preferredLanguage(): string {
  const wanted = [kept('language'), ...navigator.languages.map((tag) => tag.split('-', 1)[0] ?? '')];
  return wanted.find((code) => code !== null && Object.hasOwn(LANGUAGES, code)) ?? 'en';
}

/** Loads a language and puts it into the page. One that cannot be loaded (offline) leaves the one there was. */
export async function speak(code: string): Promise<void> {
  const loaded = await LANGUAGES[code]?.load().catch(() => null);
  if (loaded) {
    t = loaded.default;
    language = code;
  }
  const root = document.documentElement;
  root.lang = language;
  root.dir = LANGUAGES[language]?.rtl ? 'rtl' : 'ltr';
  document.title = t.name;
  for (const element of document.querySelectorAll<HTMLElement>('[data-t]')) {
    element.textContent = t[element.dataset.t as Exclude<keyof Messages, 'errors'>];
  }
}

export function choose(code: string): Promise<void> {
  keep('language', code);
  return speak(code);
}

/** Puts values into a text's `{places}`. */
export function fill(text: string, values: Record<string, string | number>): string {
  return text.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name] ?? '';
    return typeof value === 'number' ? number(value) : value;
  });
}

export function number(value: number): string {
  return new Intl.NumberFormat(language).format(value);
}

/** 0 to 1. */
export function percent(value: number): string {
  return new Intl.NumberFormat(language, { style: 'percent' }).format(value);
}

/** Such as 1.2M. */
export function compact(value: number): string {
  return new Intl.NumberFormat(language, { notation: 'compact', maximumFractionDigits: 1 }).format(value);
}

export function bytes(value: number): string {
  const [amount, unit] = value < 1e6 ? [value / 1e3, 'kilobyte'] : [value / 1e6, 'megabyte'];
  const digits = amount < 100 ? 1 : 0;
  const format = new Intl.NumberFormat(language, { style: 'unit', unit, maximumFractionDigits: digits });
  // A line does not end between the number and its unit.
  return format.format(amount).replace(' ', '\u00a0');
}

export function day(iso: string): string {
  return new Intl.DateTimeFormat(language, { dateStyle: 'medium' }).format(new Date(iso));
}

export function time(iso: string): string {
  return new Intl.DateTimeFormat(language, { timeStyle: 'short' }).format(new Date(iso));
}

/** A language's name in the page's language; TikTok's `eng-US` is nearly a tag of the web. */
export function languageName(tag: string): string {
  try {
    return new Intl.DisplayNames(language, { type: 'language' }).of(tag) ?? tag;
  } catch {
    return tag;
  }
}
