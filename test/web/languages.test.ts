import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ERRORS } from '../../src/errors.ts';
import en from '../../src/web/lang/en.ts';
import { LANGUAGES } from '../../src/web/languages.ts';

const FOLDER = new URL('../../src/web/lang/', import.meta.url);
const CODES = readdirSync(FOLDER).map((file) => file.replace('.ts', ''));

const places = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([place]) => place).sort();

it('every language that has texts can be selected by its own name', () => {
  expect(Object.keys(LANGUAGES).sort()).toEqual(CODES.sort());
  for (const [code, { name, rtl = false }] of Object.entries(LANGUAGES)) {
    const own = new Intl.DisplayNames(code, { type: 'language' }).of(code) ?? '';
    expect(own.toLowerCase()).toContain(name.replace(/^Bahasa /, '').toLowerCase());
    expect([code, rtl]).toEqual([code, /^\p{Script=Arabic}|^\p{Script=Hebrew}/u.test(name)]);
  }
});

/** The compiler sees missing texts; here is what it does not see. */
describe.each(Object.entries(LANGUAGES))('the texts in %s', async (code, { load }) => {
  const { default: messages } = await load();
  const { errors, ...texts } = messages;
  const names = Object.keys(texts) as (keyof typeof texts)[];

  it('are all there, and no others', () => {
    expect(Object.keys(messages).sort()).toEqual(Object.keys(en).sort());
  });

  it('have words and a next step for every error of the service', () => {
    expect(Object.keys(errors).sort()).toEqual(
      [...Object.keys(ERRORS), 'douyin_login', 'offline', 'unreachable'].sort(),
    );
  });

  it('have words of its own for every error', () => {
    const titles = Object.values(errors).map(([title]) => title);
    expect(new Set(titles).size).toBe(titles.length);
  });

  it('have the same places for values as the English ones', () => {
    for (const name of names) expect(places(messages[name]), name).toEqual(places(en[name]));
    for (const [code, texts] of Object.entries(errors))
      for (const place of places(texts.join())) expect([code, place]).toEqual([code, '{platform}']);
  });

  it('are none of them empty, nor left in English', () => {
    const all = [...names.map((name) => messages[name]), ...Object.values(errors).flat()];
    expect(all.filter((text) => text.trim() === '')).toEqual([]);
    if (code === 'en') return;
    const english = Object.values(errors)
      .flat()
      .filter((text) => Object.values(en.errors).flat().includes(text));
    expect(english).toEqual([]);
  });
});
