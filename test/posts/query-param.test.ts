import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { queryParam } from '../../src/posts/query-param.ts';

/** Addresses that a reader without URL may get wrong. */
const ADDRESSES = [
  'https://v16-webapp-prime.tiktok.com/video/tos/a1/x_y~z/?a=1&tk=tt_chain_token&expire=1764000000',
  'https://p16-sign.tiktokcdn-us.com/obj/a~tplv-b:1080:0.jpeg?x-expires=1764000000&x-signature=a%2Fb%3D',
  'https://v16.example.com',
  'https://v16.example.com?tk=1',
  'https://v16.example.com#?tk=1',
  'https://v16.example.com/a?tk=1#tk=2',
  'https://v16.example.com/a?b=tk&ttk=3&tk=4&tk=5',
  'https://v16.example.com/a?tk=a+b%20c',
  'https://v16.example.com/a?x=?tk=1',
  'https://v16.example.com/a/../b/?tk=',
  'https://v16.example.com/a/./b/.',
  'https://v16.example.com/.',
  'https://v16.example.com/..',
  'https://v16.example.com/%2e%2e/b',
  'https://v16.example.com/a..b/c.',
  'https://v16.example.com/ü',
  'https://v16.example.com/a b',
  'https://v16.example.com\\a\\b',
  'https://v16.example.com/a\\b',
  'https://V16.Example.COM/A',
  'https://v16.example.com:443/a',
  'https://v16.example.com:8443/a',
  'https://user@v16.example.com/a',
  'https://10.0.0.1/a',
  'https://0x7f.1/a',
  'https://a.b1.com/a',
  'https://ｖ16.example.com/a',
  'http://v16.example.com/a',
];

const NAMES = ['tk', 'expire', 'x-expires'];

/** Paths and queries out of characters that make a difference. */
const tail = fc.array(
  fc.constantFrom('a', 'Z', '.', '/', '?', '#', '&', '=', 'tk=', '%41', '%', '+', '\\', ' ', '~', ':'),
);

function same(address: string): void {
  const url = new URL(address);
  for (const name of NAMES) {
    // A name without `=` is no value here.
    if (new RegExp(`[?&]${name}(?:&|#|$)`).test(address)) continue;
    expect(queryParam(address, name)).toBe(url.searchParams.get(name));
  }
}

describe('queryParam', () => {
  it.each(ADDRESSES)('agrees with URL on %s', (address) => same(address));

  it('agrees with URL on any address', () => {
    const address = tail.map((parts) => `https://v16.example.com/${parts.join('').trim()}`);
    fc.assert(
      fc.property(fc.oneof(fc.webUrl({ withQueryParameters: true, withFragments: true }), address), (text) =>
        same(text),
      ),
      { numRuns: 2000 },
    );
  });
});
