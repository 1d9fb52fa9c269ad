import { describe, expect, it } from 'vitest';
import { chooseRenditions, readRenditions } from '../../src/posts/renditions.ts';
import type { YtdlpFormat } from '../../src/posts/ytdlp.ts';
import { sampleRendition } from './sample.ts';

const format = (given: Partial<YtdlpFormat>): YtdlpFormat => ({
  format_id: 'h264_540p_1000',
  vcodec: 'h264',
  acodec: 'aac',
  width: 576,
  height: 1024,
  tbr: 1000,
  filesize: 5000,
  url: 'https://v16.example.com/video/a/?s=1',
  ...given,
});
const MD5 = '0123456789abcdef0123456789abcdef';
const OTHER_MD5 = 'fedcba9876543210fedcba9876543210';
const urlsOf = (...formats: YtdlpFormat[]) => readRenditions(formats, {}).map(({ urls }) => urls);

describe('reading renditions', () => {
  it('takes what yt-dlp says of a format', () => {
    expect(readRenditions([format({})], {})).toEqual([
      sampleRendition({ id: 'h264_540p_1000', urls: ['https://v16.example.com/video/a/?s=1'] }),
    ]);
  });

  it('takes the mirrors of a file together', () => {
    const mirror = 'https://v19.example.com/video/a/?s=1';
    expect(urlsOf(format({}), format({ url: mirror }))).toEqual([[format({}).url, mirror]]);
  });

  it('takes mirrors with the signature in the path together', () => {
    const [one, two] = [
      `https://v3.example.com/${MD5}/6923d700/video/a/`,
      `https://v5.example.com/${OTHER_MD5}/6923d701/video/a/`,
    ];
    expect(urlsOf(format({ url: one }), format({ url: two }))).toEqual([[one, two]]);
  });

  it('does not take the same host twice', () => {
    expect(
      urlsOf(format({}), format({ format_id: 'play', url: 'https://v16.example.com/video/a/?s=2' })),
    ).toEqual([[format({}).url]]);
  });

  it('leaves out the API, whose one path serves every file', () => {
    const api = (id: string) =>
      format({ format_id: id, url: `https://api.example.com/aweme/v1/play/?video_id=${id}` });
    expect(urlsOf(format({}), api('x'), api('y'))).toEqual([[format({}).url]]);
  });

  it('takes the API where there is nothing else, each file for itself', () => {
    const api = (id: string) =>
      format({ format_id: id, url: `https://api.example.com/aweme/v1/play/?video_id=${id}` });
    expect(urlsOf(api('x'), api('y'))).toEqual([[api('x').url], [api('y').url]]);
  });

  it('leaves out sound alone', () => {
    expect(urlsOf(format({ vcodec: 'none' }))).toEqual([]);
  });

  it('leaves out what is no address', () => {
    expect(urlsOf(format({ url: 'nonsense' }))).toEqual([]);
  });

  it.each<[string, Partial<YtdlpFormat>, object]>([
    ['the watermarked one', { format_id: 'download' }, { watermark: true }],
    ["Douyin's watermarked one", { format_id: 'download_addr' }, { watermark: true }],
    ['a video without sound', { acodec: 'none' }, { hasAudio: false }],
    ['a codec that no player knows', { vcodec: 'bytevc2' }, { playable: false }],
  ])('marks %s', (_, given, marks) => {
    expect(readRenditions([format(given)], {})).toEqual([expect.objectContaining(marks)]);
  });

  it("prefers the item's own sizes to yt-dlp's guesses", () => {
    const address = { Width: 600, Height: 1066, DataSize: '777', UrlList: [format({}).url] };
    const item = { video: { bitrateInfo: [{ Bitrate: 123, PlayAddr: address }] } };
    expect(readRenditions([format({})], item)).toEqual([
      expect.objectContaining({ width: 600, height: 1066, size: 777, bitrate: 123 }),
    ]);
  });

  it.each([
    ['h264', 'h264', 'h264'],
    ['h264', 'h265_hvc1', 'h265'],
    ['h264', 'bytevc2', 'bytevc2'],
    ['h265', 'h264', 'h265'],
  ])('of a file that is %s to yt-dlp and %s to the page, says %s', (guessed, told, codec) => {
    const bitrateInfo = [{ CodecType: told, PlayAddr: { UrlList: [format({}).url] } }];
    const read = (given: Partial<YtdlpFormat>, video: object) =>
      readRenditions([format({ vcodec: guessed, ...given })], { video }).map((one) => one.codec);
    expect(read({}, { bitrateInfo })).toEqual([codec]);
    expect(read({ format_id: 'play' }, { codecType: told })).toEqual([codec]);
  });

  it('puts the larger picture first, then the higher bitrate', () => {
    const made = (id: string, width: number, tbr: number) =>
      format({ format_id: id, width, height: width * 2, tbr, url: `https://v16.example.com/${id}` });
    const read = readRenditions([made('a', 576, 900), made('b', 1080, 800), made('c', 1080, 1200)], {});
    expect(read.map(({ id }) => id)).toEqual(['c', 'b', 'a']);
  });
});

describe('choosing renditions', () => {
  const hd = sampleRendition({ id: 'hd', width: 1080, height: 1920 });
  const h265 = sampleRendition({ id: 'h265', codec: 'h265', width: 1440, height: 2560 });
  const sd = sampleRendition({ id: 'sd' });
  const mark = sampleRendition({ id: 'mark', watermark: true });
  const ids = (chosen: ReturnType<typeof chooseRenditions>) => [
    chosen.hd?.id,
    chosen.standard?.id,
    chosen.watermark?.id,
  ];

  it('prefers H.264, which plays everywhere', () => {
    expect(ids(chooseRenditions([h265, hd, sd, mark], 'h264'))).toEqual(['hd', 'sd', 'mark']);
  });

  it('takes the highest resolution where that is wanted', () => {
    expect(ids(chooseRenditions([h265, hd, sd], 'best'))).toEqual(['h265', 'sd', undefined]);
  });

  it('takes another codec where there is no H.264', () => {
    expect(chooseRenditions([h265], 'h264').hd?.id).toBe('h265');
  });

  it('gives the best for the standard one where all are large', () => {
    expect(ids(chooseRenditions([hd], 'h264'))).toEqual(['hd', 'hd', undefined]);
  });

  it('counts 720 as HD', () => {
    const at720 = sampleRendition({ id: '720', width: 1280, height: 720 });
    expect(chooseRenditions([at720, sd], 'h264').standard?.id).toBe('sd');
  });

  it.each([
    ['without sound', sampleRendition({ hasAudio: false })],
    ['that no player knows', sampleRendition({ playable: false })],
  ])('never takes one %s', (_, bad) => {
    expect(ids(chooseRenditions([bad], 'best'))).toEqual([undefined, undefined, undefined]);
  });

  it('never takes the watermarked one for a clean one', () => {
    expect(ids(chooseRenditions([mark], 'h264'))).toEqual([undefined, undefined, 'mark']);
  });
});
