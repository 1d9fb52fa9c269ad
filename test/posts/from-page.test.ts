import { describe, expect, it } from 'vitest';
import { hasNoVideoAddress, postFromPage } from '../../src/posts/from-page.ts';
import type { Raw } from '../../src/posts/raw.ts';
import { videoPage } from './shapes.ts';

const read = (item: Raw, cookies: Record<string, string> = {}) =>
  postFromPage(item, { ref: { platform: 'tiktok', id: '7' }, source: 'page', egress: 'direct', cookies });
const subtitle = (language: string, version: string) => ({
  LanguageCodeName: language,
  Source: 'MT',
  Format: 'webvtt',
  Version: version,
  Url: `https://v16.example.com/${language}/${version}`,
});

describe('postFromPage', () => {
  it('takes the exact statistics where there are rounded ones too', () => {
    const item = { stats: { playCount: 844_400, diggCount: 1 }, statsV2: { playCount: '844412' } };
    expect(read(item).statistics).toMatchObject({ play: 844_412, digg: 1 });
  });

  it('names the statistics that an item does not have', () => {
    expect(read({ author: { signature: '' }, stats: { playCount: 0 } }).partial).toEqual([
      'statistics.digg_count',
      'statistics.comment_count',
      'statistics.share_count',
      'statistics.collect_count',
    ]);
  });

  it('takes one subtitle for each language and source, the first', () => {
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

  it('has a sound without an address where the track is licensed', () => {
    expect(read({ music: { title: 'Hit', playUrl: '' } }).sound).toMatchObject({ title: 'Hit', urls: [] });
  });

  it('takes the file that the page plays where it has no gears', () => {
    const { bitrateInfo: _, ...video } = videoPage.video;
    expect(read({ video }).renditions).toMatchObject([
      { id: 'h264_576p_1500000', width: 576, height: 1024, size: 2_856_375 },
      { id: 'watermark' },
    ]);
  });

  it('takes PlayAddrStruct before playAddr where there are no gears', () => {
    const PlayAddrStruct = {
      Width: 720,
      Height: 1280,
      UrlKey: 'v1_h264_720p_9',
      UrlList: ['https://v1.example.com/a'],
    };
    expect(read({ video: { PlayAddrStruct } }).renditions.map(({ id }) => id)).toEqual(['h264_720p_9']);
  });

  it('does not call a file watermarked that is offered as a clean one too', () => {
    const video = { ...videoPage.video, downloadAddr: videoPage.video.playAddr };
    expect(read({ video }).renditions.some(({ watermark }) => watermark)).toBe(false);
  });
});

describe('the cookie of a post', () => {
  const asking = (tk: string) => ({ video: { playAddr: `https://v16.example.com/a?tk=${tk}` } });

  it('is kept where a link asks for it', () => {
    const cookies = { tt_chain_token: 'x/==' };
    expect(read(asking('tt_chain_token'), cookies).cookie).toBe('tt_chain_token=x/==');
  });

  it('is not kept where no link asks for it', () => {
    expect(read(asking('other'), { tt_chain_token: 'x' }).cookie).toBeNull();
  });

  it('is never a property that every object has', () => {
    expect(read(asking('constructor')).cookie).toBeNull();
  });
});

describe('mediaExpiresAt', () => {
  it('is the expiry of the link that expires first', () => {
    const images = [1_764_000_500, 1_764_000_000].map((at) => ({
      imageURL: { urlList: [`https://p16.example.com/${at}?x-expires=${at}`] },
    }));
    expect(read({ imagePost: { images } }).mediaExpiresAt).toBe(1_764_000_000_000);
  });

  it('is null where no link says it', () => {
    expect(read({ video: { playAddr: 'https://v16.example.com/a' } }).mediaExpiresAt).toBeNull();
  });
});

describe('hasNoVideoAddress', () => {
  it.each<[boolean, string, Raw]>([
    [true, 'an empty address', { playAddr: '' }],
    [true, 'an empty address and no gears', { playAddr: '', bitrateInfo: [] }],
    [false, 'an address', { playAddr: 'https://v16.example.com/a' }],
    [false, 'gears', { playAddr: '', bitrateInfo: [{}] }],
    [false, 'gears in an unknown shape', { playAddr: '', bitrateInfo: { h264: [] } }],
    [false, 'no field of a known name', { source: 'https://v16.example.com/a' }],
  ])('is %s of a video with %s', (expected, _, video) => {
    expect(hasNoVideoAddress({ video })).toBe(expected);
    expect(hasNoVideoAddress({ itemInfo: { itemStruct: { video } } })).toBe(expected);
  });
});
