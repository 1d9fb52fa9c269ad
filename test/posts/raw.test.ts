import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  asCount,
  asNumber,
  asObject,
  asObjects,
  asPositive,
  asString,
  asTimestamp,
  asUrl,
  asUrls,
  secondsToMs,
} from '../../src/posts/raw.ts';

describe('a reader of foreign JSON', () => {
  it.each<[string, unknown, unknown]>([
    ['a record', asObject({ a: 1 }), { a: 1 }],
    ['no record in a list', asObject([1]), {}],
    ['no record in null', asObject(null), {}],
    ['records', asObjects([{ a: 1 }, 2]), [{ a: 1 }, {}]],
    ['no records in a record', asObjects({ 0: {} }), []],
    ['a text', asString('a'), 'a'],
    ['no text in a number', asString(1), ''],
    ['a number', asNumber(1.5), 1.5],
    ['a number in a text', asNumber('16630'), 16630],
    ['no number in an empty text', asNumber(' '), null],
    ['no number in words', asNumber('1.2M'), null],
    ['no number in infinity', asNumber(Number.POSITIVE_INFINITY), null],
    ['a count', asCount('12'), 12],
    ['no negative count', asCount(-3), 0],
    ['no broken count', asCount(2.9), 2],
    ['nothing where a size is 0', asPositive(0), null],
    ['a moment', asTimestamp('1763798400'), 1_763_798_400],
    ['no moment in 0', asTimestamp(0), null],
    ['no moment that no date can say', asTimestamp('99999999999999999'), null],
    ['a length', secondsToMs('12.3456'), 12_346],
    ['no length without end', secondsToMs(1e307), 0],
    ['a link', asUrl('https://a.example/x'), 'https://a.example/x'],
    ['a link over https, whatever the page wrote', asUrl('http://a.example/x'), 'https://a.example/x'],
    ['a link without scheme', asUrl('//a.example/x'), 'https://a.example/x'],
    ['no link in a script', asUrl('javascript:alert(1)'), null],
    ['no link in half an address', asUrl('https://'), null],
    ['each link once', asUrls(['https://a.example/', 'http://a.example/', 7]), ['https://a.example/']],
    ['no links in a text', asUrls('https://a.example/'), []],
  ])('finds %s', (_, found, expected) => {
    expect(found).toEqual(expected);
  });

  it('never throws, whatever it is given', () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true }), (value) => {
        for (const read of [
          asObject,
          asObjects,
          asString,
          asNumber,
          asTimestamp,
          secondsToMs,
          asCount,
          asPositive,
          asUrl,
          asUrls,
        ])
          read(value);
      }),
    );
  });
});
