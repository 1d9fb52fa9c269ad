import { describe, expect, it } from 'vitest';
import { postFromAweme } from '../../src/posts/from-aweme.ts';
import type { SourceName } from '../../src/posts/post.ts';
import type { Raw } from '../../src/posts/raw.ts';

const read = (aweme: Raw, source: SourceName = 'detail') =>
  postFromAweme(aweme, { ref: { platform: 'douyin', id: '7' }, source, egress: 'direct', cookies: {} });
const at = (...urls: string[]) => ({ url_list: urls });
const ids = (video: Raw) => read({ video }).renditions.map(({ id }) => id);
const CDN = 'https://v26-web.douyinvod.com';

const gear = (name: string, given: Raw = {}, key = `v02_h264_${name}p_900`) => ({
  gear_name: name,
  bit_rate: 900_000,
  format: 'mp4',
  is_h265: 0,
  is_bytevc1: 0,
  play_addr: {
    ...at(`${CDN}/${name}/video/`),
    url_key: key,
    width: Number(name),
    height: 2 * Number(name),
    data_size: 5,
  },
  ...given,
});

describe('postFromAweme', () => {
  it('reads the duration of a video in milliseconds', () => {
    expect(read({ video: { duration: 15_400 } }).durationMs).toBe(15_400);
  });

  it('reads the duration of a sound in seconds', () => {
    const music = { title: 'Purr', duration: 31, play_url: at('https://sf.example.com/1.mp3') };
    expect(read({ music }).sound).toMatchObject({
      durationMs: 31_000,
      urls: ['https://sf.example.com/1.mp3'],
    });
  });

  it('names an author without a chosen name by the short id', () => {
    expect(read({ author: { unique_id: '', short_id: '46429' } }).author.uniqueId).toBe('46429');
  });

  it('does not take the play count for known, which is always 0', () => {
    expect(
      read({
        statistics: { play_count: 0, digg_count: 1, comment_count: 0, share_count: 0, collect_count: 0 },
      }).partial,
    ).toEqual(['statistics.play_count']);
  });
});

describe('the renditions of an aweme', () => {
  it('are its gears, H.265 and bytevc2 by their flags', () => {
    const bit_rate = [
      gear('720'),
      gear('1080', { is_bytevc1: 1 }),
      gear('540', { is_h265: 2, is_bytevc1: 2 }),
    ];
    expect(ids({ bit_rate })).toEqual(['h265_1080p_900000', 'h264_720p_900000', 'bytevc2_540p_900000']);
  });

  it.each([
    ['DASH', gear('1080', { format: 'dash' })],
    [
      'with the path of a video track',
      gear('1080', {
        play_addr: {
          ...at(`${CDN}/a/media-video-avc1/`),
          width: 1080,
          height: 2160,
          url_key: 'v02_h264_1080p_9',
        },
      }),
    ],
  ])('have no sound where they are %s', (_, track) => {
    const { renditions } = read({ video: { bit_rate: [track, gear('720')] } });
    expect(renditions.map(({ height, hasAudio }) => [height, hasAudio])).toEqual([
      [2160, false],
      [1440, true],
    ]);
  });

  it('have the size of the video where an address has no key', () => {
    const download_addr = { ...at(`${CDN}/marked/`), width: 720, height: 720 };
    const video = { width: 576, height: 1024, bit_rate: [gear('540')], download_addr };
    expect(read({ video }).renditions.find(({ watermark }) => watermark)).toMatchObject({
      width: 576,
      height: 1024,
    });
  });

  it('leave out the API where there is a CDN address', () => {
    const api = 'https://www.douyin.com/aweme/v1/play/?video_id=v02&file_id=9';
    const { renditions } = read({ video: { play_addr: at(`${CDN}/a/`, api) } });
    expect(renditions.map(({ urls }) => urls)).toEqual([[`${CDN}/a/`]]);
  });

  it('are never the upload itself', () => {
    const play_addr = {
      uri: 'v02',
      ...at('https://www.douyin.com/aweme/v1/play/?video_id=v02&ratio=default'),
    };
    expect(JSON.stringify(read({ video: { play_addr } }))).not.toContain('ratio=default');
  });
});

describe('a share page', () => {
  const playwm = 'https://aweme.snssdk.com/aweme/v1/playwm/?video_id=v0200fg&ratio=720p&line=0';
  const shared = (video: Raw) =>
    read({ video: { play_addr: { uri: 'v0200fg', ...at(playwm) }, ...video } }, 'share');

  it('gives clean files of each size up to the own one', () => {
    expect(shared({ width: 720, height: 1280 }).renditions).toMatchObject([
      { id: 'h264_720p_0', width: 720, height: 1280, hasAudio: true, watermark: false },
      { id: 'h264_576p_0', width: 576, height: 1024 },
    ]);
  });

  it('gives one file of a video smaller than all ratios', () => {
    expect(shared({ width: 480, height: 360 }).renditions).toMatchObject([{ id: 'h264_360p_0', width: 480 }]);
  });

  it('gives every ratio where the size is unknown', () => {
    expect(shared({}).renditions.map(({ id }) => id)).toEqual(['h264_1080p_0', 'h264_720p_0', 'h264_576p_0']);
  });

  it('gives no watermarked address', () => {
    expect(JSON.stringify(shared({}))).not.toContain('playwm');
  });

  it('takes the id of the video from the address where there is no uri', () => {
    expect(shared({ play_addr: at(playwm) }).renditions[0]?.urls[0]).toContain('video_id=v0200fg&');
  });

  it.each(['https://sf.example.com/1.mp3', '1.mp3', 'a b', ''])('builds no address from %j', (uri) => {
    expect(shared({ play_addr: { uri, url_list: [] } }).renditions).toEqual([]);
  });
});

describe('a photo post of Douyin', () => {
  const still = {
    ...at('https://p3.example.com/1'),
    download_url_list: ['https://p3.example.com/water'],
    width: 3,
    height: 4,
  };
  const clip = { play_addr: { uri: 'v03', ...at(`${CDN}/clip/`) }, width: 960, height: 1280, duration: 2800 };

  it('is a note of clean photos', () => {
    const post = read({ images: [still] });
    expect(post).toMatchObject({ kind: 'photo', url: 'https://www.douyin.com/note/7' });
    expect(post.photos).toEqual([{ width: 3, height: 4, urls: ['https://p3.example.com/1'], live: null }]);
  });

  it('has the clips of live photos, with their times', () => {
    const post = read({ images: [{ ...still, video: clip }, still] }, 'slides');
    expect(post.photos.map(({ live }) => live)).toEqual([
      { width: 960, height: 1280, durationMs: 2800, urls: [`${CDN}/clip/`] },
      null,
    ]);
  });

  it.each(['share', 'feed'] as const)('says that %s leaves out the clips', (source) => {
    expect(read({ images: [still] }, source).partial).toContain('photos.live');
  });

  it('takes its video for its sound', () => {
    const mp3 = 'https://sf.example.com/1.mp3';
    const post = read({ images: [still], video: { play_addr: { uri: mp3, ...at(mp3) }, bit_rate: [] } });
    expect([post.renditions, post.sound?.urls]).toEqual([[], [mp3]]);
  });
});
