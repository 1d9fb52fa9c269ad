import { describe, expect, it } from 'vitest';
import { ERRORS } from '../../src/errors.ts';
import ar from '../../src/web/lang/ar.ts';
import en from '../../src/web/lang/en.ts';
import es from '../../src/web/lang/es.ts';
import id from '../../src/web/lang/id.ts';
import pt from '../../src/web/lang/pt.ts';

const places = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([place]) => place).sort();

/** That no text is missing the compiler sees; here is what it does not see. */
describe.each(Object.entries({ en, id, es, pt, ar }))('the texts in %s', (code, messages) => {
  const { errors, ...texts } = messages;
  const names = Object.keys(texts) as (keyof typeof texts)[];

  it('have words and a next step for every error of the service', () => {
    expect(Object.keys(errors).sort()).toEqual([...Object.keys(ERRORS), 'offline', 'unreachable'].sort());
  });

  it('have words of its own for every error', () => {
    const titles = Object.values(errors).map(([title]) => title);
    expect(new Set(titles).size).toBe(titles.length);
  });

  it('have the same places for values as the English ones', () => {
    for (const name of names) expect(places(messages[name]), name).toEqual(places(en[name]));
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
