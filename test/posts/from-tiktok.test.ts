import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { postFromTikTok } from '../../src/posts/from-tiktok.ts';
import type { Extracted } from '../../src/posts/ytdlp.ts';

const ASKED = { platform: 'tiktok', id: '7', user: 'asked' } as const;
const read = (item: object, info: Extracted['info'] = {}, cookies: Record<string, string> = {}) =>
  postFromTikTok({ item: { ...item }, info, cookies }, ASKED, 'direct');
const subtitle = (language: string, version: string) => ({
  LanguageCodeName: language,
  Source: 'MT',
  Format: 'webvtt',
  Version: version,
  Url: `https://v16.example.com/${language}/${version}`,
});

describe('a post from TikTok', () => {
  it('falls back on what was asked for where the page says nothing', () => {
    expect(read({})).toMatchObject({
      ref: ASKED,
      title: 'TikTok video #7',
      createdAt: null,
      durationMs: 0,
      sound: null,
    });
  });

  it("falls back on yt-dlp's reading", () => {
    const info = {
      id: '8',
      uploader: 'cat',
      channel: 'Cat',
      description: 'Hi',
      timestamp: 5,
      duration: 3,
      view_count: 9,
    };
    expect(read({}, info)).toMatchObject({
      ref: { id: '8', user: 'cat' },
      author: { nickname: 'Cat', uniqueId: 'cat' },
      title: 'Hi',
      createdAt: 5,
      durationMs: 3000,
      statistics: { play: 9 },
    });
  });

  it('takes the exact statistics where there are rounded ones too', () => {
    const item = { stats: { playCount: 844_400, diggCount: 1 }, statsV2: { playCount: '844412' } };
    expect(read(item).statistics).toMatchObject({ play: 844_412, digg: 1 });
  });

  it('is a photo post where it has photos, and lasts as long as its sound', () => {
    const images = [{ imageWidth: 1, imageHeight: 2, imageURL: { urlList: ['https://p16.example.com/1'] } }];
    const item = { imagePost: { images }, music: { title: 'Purr', duration: 31 } };
    expect(read(item)).toMatchObject({
      kind: 'photo',
      durationMs: 31_000,
      renditions: [],
      photos: [{ width: 1, height: 2 }],
    });
  });

  it('has one subtitle for each language and source, the first', () => {
    const subtitleInfos = [
      subtitle('tha-TH', '4'),
      subtitle('tha-TH', '4:agent_gpt'),
      subtitle('deu-DE', '4'),
    ];
    expect(read({ video: { subtitleInfos } }).subtitles.map(({ urls }) => urls)).toEqual([
      ['https://v16.example.com/tha-TH/4'],
      ['https://v16.example.com/deu-DE/4'],
    ]);
  });

  it('has a sound without address where the track is licensed', () => {
    expect(read({ music: { title: 'Hit', playUrl: '' } }).sound).toMatchObject({ title: 'Hit', urls: [] });
  });

  it('is made of any JSON without an exception', () => {
    const part = fc.jsonValue({ maxDepth: 3 });
    const keys = ['video', 'music', 'author', 'stats', 'statsV2', 'imagePost', 'desc', 'id', 'createTime'];
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...keys), part), (item) => {
        expect(() => read(item)).not.toThrow();
      }),
      { numRuns: 500 },
    );
  });
});

describe('the cookie of its media', () => {
  const formats = (tk: string) => ({
    formats: [{ format_id: 'play', url: `https://v16.example.com/a?tk=${tk}` }],
  });

  it('is kept where a link asks for it', () => {
    expect(read({}, formats('tt_chain_token'), { tt_chain_token: 'x/==' }).cookie).toBe(
      'tt_chain_token=x/==',
    );
  });

  it('is not kept where no link asks for it', () => {
    expect(read({}, formats('other'), { tt_chain_token: 'x' }).cookie).toBeNull();
  });

  it('is nothing that every object has', () => {
    expect(read({}, formats('constructor'), {}).cookie).toBeNull();
  });
});

describe('the life of its media', () => {
  it('is that of the link that dies first', () => {
    const formats = [1_764_000_500, 1_764_000_000].map((at) => ({
      url: `https://v16.example.com/${at}?expire=${at}`,
    }));
    expect(read({}, { formats }).mediaExpiresAt).toBe(1_764_000_000_000);
  });

  it('is not known where no link says it', () => {
    expect(read({}, { formats: [{ url: 'https://v16.example.com/a' }] }).mediaExpiresAt).toBeNull();
  });
});
