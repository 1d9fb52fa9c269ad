import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  count,
  link,
  links,
  milliseconds,
  moment,
  numeric,
  positive,
  record,
  records,
  text,
} from '../../src/posts/raw.ts';

describe('a reader of foreign JSON', () => {
  it.each<[string, unknown, unknown]>([
    ['a record', record({ a: 1 }), { a: 1 }],
    ['no record in a list', record([1]), {}],
    ['no record in null', record(null), {}],
    ['records', records([{ a: 1 }, 2]), [{ a: 1 }, {}]],
    ['no records in a record', records({ 0: {} }), []],
    ['a text', text('a'), 'a'],
    ['no text in a number', text(1), ''],
    ['a number', numeric(1.5), 1.5],
    ['a number in a text', numeric('16630'), 16630],
    ['no number in an empty text', numeric(' '), null],
    ['no number in words', numeric('1.2M'), null],
    ['no number in infinity', numeric(Number.POSITIVE_INFINITY), null],
    ['a count', count('12'), 12],
    ['no negative count', count(-3), 0],
    ['no broken count', count(2.9), 2],
    ['nothing where a size is 0', positive(0), null],
    ['a moment', moment('1763798400'), 1_763_798_400],
    ['no moment in 0', moment(0), null],
    ['no moment that no date can say', moment('99999999999999999'), null],
    ['a length', milliseconds('12.3456'), 12_346],
    ['no length without end', milliseconds(1e307), 0],
    ['a link', link('https://a.example/x'), 'https://a.example/x'],
    ['a link over https, whatever the page wrote', link('http://a.example/x'), 'https://a.example/x'],
    ['a link without scheme', link('//a.example/x'), 'https://a.example/x'],
    ['no link in a script', link('javascript:alert(1)'), null],
    ['no link in half an address', link('https://'), null],
    ['each link once', links(['https://a.example/', 'http://a.example/', 7]), ['https://a.example/']],
    ['no links in a text', links('https://a.example/'), []],
  ])('finds %s', (_, found, expected) => {
    expect(found).toEqual(expected);
  });

  it('never throws, whatever it is given', () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true }), (value) => {
        for (const read of [
          record,
          records,
          text,
          numeric,
          moment,
          milliseconds,
          count,
          positive,
          link,
          links,
        ])
          read(value);
      }),
    );
  });
});
