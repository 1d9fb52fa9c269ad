import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { linkExpiry } from '../../src/posts/expiry.ts';

const MD5 = '0123456789abcdef0123456789abcdef';

describe('linkExpiry', () => {
  it.each<[string, string, number | null]>([
    ['expire', 'https://v16.example.com/video/1/?expire=1764000000&tk=x', 1_764_000_000_000],
    ['x-expires', 'https://p16.example.com/a.jpeg?x-expires=1764000000', 1_764_000_000_000],
    ['the path', `https://v16m.example.com/${MD5}/6923d700/video/tos/x/`, 0x6923d700 * 1000],
    ['nothing', 'https://sf16.example.com/obj/1', null],
    ['an empty expire', 'https://v16.example.com/?expire=', null],
    ['words', 'https://v16.example.com/?expire=never', null],
    ['a time before TikTok', 'https://v16.example.com/?expire=60', null],
    ['milliseconds', 'https://v16.example.com/?expire=1764000000000', null],
    ['a path that only resembles one', 'https://v16.example.com/abc/6923d700/video/', null],
    ['no address at all', 'nonsense', null],
  ])('is read from %s', (_, link, expiry) => {
    expect(linkExpiry(link)).toBe(expiry);
  });

  it('gives a time or null for any text', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.webUrl()), (text) => linkExpiry(text) !== undefined));
  });
});
