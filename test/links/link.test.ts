import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type LinkRoute, Links, type LinkTarget, TokenSealer } from '../../src/links/index.ts';
import type { Asset } from '../../src/posts/asset.ts';

const sealer = new TokenSealer('the key of these tests, 4711');
const links = new Links(sealer, 'https://media.example.com', 6 * 3_600_000);
const IN_AN_HOUR = Date.now() + 3_600_000;

const target: LinkTarget = {
  ref: { platform: 'tiktok', id: '7123456789012345600', user: 'some.user' },
  asset: { kind: 'video', rendition: 'h264_540p_1' },
  source: {
    urls: ['https://v16.example.com/video/1/?a=1', 'https://v19.example.com/video/1/?a=1'],
    cookie: 'tt_chain_token=abc/==',
    egress: 'direct',
  },
};

function tokenOf(link: string): string {
  const { searchParams } = new URL(link);
  return searchParams.get('data') ?? searchParams.get('url') ?? '';
}

function roundTrip(given: LinkTarget, route: LinkRoute = 'stream'): LinkTarget {
  return links.openLink(route, tokenOf(links.make(route, given, IN_AN_HOUR)));
}

const someText = fc.string({ unit: 'grapheme', maxLength: 30 });
const someUrl = fc.webUrl({ validSchemes: ['https'], withQueryParameters: true });
const someAsset: fc.Arbitrary<Asset> = fc.oneof(
  someText.map((rendition) => ({ kind: 'video' as const, rendition })),
  fc.nat(100).map((index) => ({ kind: 'photo' as const, index })),
  fc.tuple(someText, someText).map(([language, source]) => ({ kind: 'subtitle' as const, language, source })),
  fc.constantFrom<Asset>(
    { kind: 'sound', of: 'track', format: 'mp3' },
    { kind: 'cover' },
    { kind: 'avatar' },
    { kind: 'zip' },
    { kind: 'slideshow' },
  ),
);
const someTarget: fc.Arbitrary<LinkTarget> = fc.record({
  ref: fc.record(
    {
      platform: fc.constantFrom('tiktok' as const, 'douyin' as const),
      id: fc.stringMatching(/^\d{1,25}$/),
      user: fc.string({ minLength: 1, maxLength: 24 }),
    },
    { requiredKeys: ['platform', 'id'] },
  ),
  asset: someAsset,
  source: fc.option(
    fc.record({
      urls: fc.array(someUrl, { maxLength: 3 }),
      cookie: fc.option(someText),
      egress: fc.string({ maxLength: 6 }),
    }),
  ),
});

afterEach(() => {
  vi.useRealTimers();
});

describe('a link', () => {
  it('names the same file when it is opened', () => {
    fc.assert(
      fc.property(someTarget, (given) => {
        expect(roundTrip(given)).toEqual(given);
      }),
    );
  });

  it.each<[LinkRoute, RegExp]>([
    ['stream', /^https:\/\/media\.example\.com\/stream\?data=[\w-]+$/],
    ['download', /^https:\/\/media\.example\.com\/download\?data=[\w-]+$/],
    ['download-slideshow', /^https:\/\/media\.example\.com\/download-slideshow\?url=[\w-]+$/],
  ])('to %s has its route, its parameter and a token', (route, form) => {
    expect(links.make(route, target, IN_AN_HOUR)).toMatch(form);
  });

  it('keeps mirrors that differ in more than the host', () => {
    const urls = [
      'https://a.example.com/x/1?s=1',
      'https://b.example.com/y/1?s=2',
      'https://c.example.com/x/1?s=1',
    ];
    const opened = roundTrip({ ...target, source: { urls, cookie: null, egress: 'direct' } });
    expect(opened.source?.urls).toEqual(urls);
  });

  it('stores little more than the host of a mirror', () => {
    const url = (host: string) => `https://${host}.example.com/video/1/?${'q'.repeat(600)}`;
    const make = (...urls: string[]) =>
      links.make('stream', { ...target, source: { urls, cookie: null, egress: 'direct' } }, IN_AN_HOUR)
        .length;
    expect(make(url('a'), url('b')) - make(url('a'))).toBeLessThan(30);
  });

  it('of one route is link_invalid on another', () => {
    const token = tokenOf(links.make('stream', target, IN_AN_HOUR));
    expect(() => links.openLink('download', token)).toThrow(
      expect.objectContaining({ code: 'link_invalid' }),
    );
  });

  it('past its time is link_expired', () => {
    const token = tokenOf(links.make('stream', target, Date.now() - 2000));
    expect(() => links.openLink('stream', token)).toThrow(expect.objectContaining({ code: 'link_expired' }));
  });

  it.each([
    'not JSON',
    '',
    'null',
    '[]',
    '{}',
    '7',
    '["t","1","",["x"],0]',
    '["x","1","",["m"],0]',
    '["t","1","",["m"],[["no address","b"],null,"direct"]]',
  ])('with the authentic content %j of another version is link_invalid', (content) => {
    const token = sealer.seal('stream', Buffer.from(content), IN_AN_HOUR);
    expect(() => links.openLink('stream', token)).toThrow(expect.objectContaining({ code: 'link_invalid' }));
  });
});

describe('a short link', () => {
  const longest: LinkTarget[] = [
    { kind: 'video', rendition: 'h264_1080p_240000000_watermark' } as const,
    { kind: 'subtitle', language: 'cmn-Hant-TW', source: 'MT_from_ASR' } as const,
    { kind: 'photo', index: 34 } as const,
    { kind: 'sound', of: 'track', format: 'mp3' } as const,
    { kind: 'zip' } as const,
  ].map((asset) => ({
    ref: { platform: 'douyin', id: '7'.repeat(25), user: '抖音'.repeat(30) },
    asset,
    source: { urls: [`https://v16.example.com/?${'q'.repeat(900)}`], cookie: 'a=b', egress: 'direct' },
  }));

  it.each(longest)('has less than 300 characters for %j', (given) => {
    expect(links.make('stream', given, IN_AN_HOUR, { short: true }).length).toBeLessThan(300);
    expect(links.make('download-slideshow', given, IN_AN_HOUR, { short: true }).length).toBeLessThan(300);
  });

  it('names post and asset, and no address of the CDN', () => {
    const token = tokenOf(links.make('stream', target, IN_AN_HOUR, { short: true }));
    expect(links.openLink('stream', token)).toEqual({ ...target, source: null });
  });

  it('keeps the start of a long user name, in whole characters', () => {
    const [first] = longest;
    if (!first) throw new Error('no target');
    const token = tokenOf(links.make('stream', first, IN_AN_HOUR, { short: true }));
    expect(links.openLink('stream', token).ref.user).toBe('抖音'.repeat(5));
  });

  it('keeps a missing user name missing', () => {
    const given = { ...target, ref: { platform: 'tiktok', id: '7' } as const };
    const token = tokenOf(links.make('stream', given, IN_AN_HOUR, { short: true }));
    expect(links.openLink('stream', token).ref).toEqual(given.ref);
  });
});

describe('the expiry of links made now', () => {
  it('is the links’ lifetime from now, in whole seconds', () => {
    vi.useFakeTimers({ now: 1_900_000_000_789, toFake: ['Date'] });
    expect(links.expiryFromNow()).toBe(1_900_000_000_000 + 6 * 3_600_000);
  });
});
