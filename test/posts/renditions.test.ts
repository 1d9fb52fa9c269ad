import { describe, expect, it } from 'vitest';
import { chooseRenditions, findRendition, type RawFile, readRenditions } from '../../src/posts/renditions.ts';
import { sampleRendition } from './sample.ts';

const file = (given: Partial<RawFile> = {}): RawFile => ({
  urls: ['https://v16.example.com/video/a/?s=1'],
  codec: 'h264',
  width: 576,
  height: 1024,
  bitrate: 1_000_000,
  size: '5000',
  ...given,
});
const at = (...urls: string[]) => file({ urls });
const urlsOf = (...files: RawFile[]) => readRenditions(files).map(({ urls }) => urls);
const api = (id: string) => `https://api.example.com/aweme/v1/play/?video_id=${id}`;
const MD5 = '0123456789abcdef0123456789abcdef';
const OTHER_MD5 = 'fedcba9876543210fedcba9876543210';

describe('readRenditions', () => {
  it('reads what the item says of a file', () => {
    expect(readRenditions([file()])).toEqual([
      sampleRendition({ id: 'h264_576p_1000000', urls: ['https://v16.example.com/video/a/?s=1'] }),
    ]);
  });

  it('takes two addresses of one path as mirrors', () => {
    const [one, two] = ['https://v16.example.com/video/a/?s=1', 'https://v19.example.com/video/a/?s=2'];
    expect(urlsOf(at(one), at(two))).toEqual([[one, two]]);
  });

  it('takes two signed paths of one file as mirrors', () => {
    const [one, two] = [
      `https://v3.example.com/${MD5}/6923d700/video/a/`,
      `https://v5.example.com/${OTHER_MD5}/6923d701/video/a/`,
    ];
    expect(urlsOf(at(one), at(two))).toEqual([[one, two]]);
  });

  it('takes one address of each host', () => {
    expect(urlsOf(at('https://v16.example.com/a?s=1', 'https://v16.example.com/a?s=2'))).toEqual([
      ['https://v16.example.com/a?s=1'],
    ]);
  });

  it('leaves out the API where there are CDN addresses', () => {
    expect(urlsOf(at('https://v16.example.com/a', api('x')), at(api('y')))).toEqual([
      ['https://v16.example.com/a'],
    ]);
  });

  it('takes one API address as the last mirror where the source allows it', () => {
    const mirrored = readRenditions([at(api('x'), 'https://v16.example.com/a', api('y'))], {
      apiMirrors: true,
    });
    expect(mirrored.map(({ urls }) => urls)).toEqual([['https://v16.example.com/a', api('x')]]);
  });

  it('keeps the API the last of merged mirrors', () => {
    const files = [at('https://v16.example.com/a', api('x')), at('https://v19.example.com/a')];
    expect(readRenditions(files, { apiMirrors: true }).map(({ urls }) => urls)).toEqual([
      ['https://v16.example.com/a', 'https://v19.example.com/a', api('x')],
    ]);
  });

  it('takes API addresses as files of their own where no file is on the CDN', () => {
    const files = [file({ urls: [api('x')] }), file({ urls: [api('y')], bitrate: 2 })];
    expect(urlsOf(...files)).toEqual([[api('x')], [api('y')]]);
  });

  it('takes API addresses where only the watermarked file is on the CDN', () => {
    const marked = file({ urls: ['https://v16.example.com/marked'], watermark: true });
    expect(urlsOf(file({ urls: [api('x')] }), marked)).toContainEqual([api('x')]);
  });

  it.each([
    ['no address', []],
    ['no list', 'https://v16.example.com/a'],
    ['nonsense', ['nonsense', null]],
    ['a sound track', ['https://v16.example.com/a/media-audio-und-mp4a/']],
  ])('leaves out a file with %s', (_, urls) => {
    expect(urlsOf(file({ urls }))).toEqual([]);
  });

  it.each<[string, Partial<RawFile>, object]>([
    ['the watermarked file', { watermark: true }, { id: 'watermark', watermark: true }],
    ['a track without sound, as the item says', { silent: true }, { hasAudio: false }],
    [
      'a track without sound, as its path says',
      { urls: ['https://v1.example.com/a/media-video-hvc1/?b=1'] },
      { hasAudio: false },
    ],
    ['a codec that players do not know', { codec: 'bytevc2' }, { codec: 'bytevc2', playable: false }],
    ['a codec of the future', { codec: 'AV-1' }, { codec: 'av1', playable: false }],
  ])('marks %s', (_, given, marks) => {
    expect(readRenditions([file(given)])).toEqual([expect.objectContaining(marks)]);
  });

  it('does not take a label for the sound of a file', () => {
    expect(readRenditions([file({ key: 'media-video-hvc1', codec: 'h265 video only' })])[0]?.hasAudio).toBe(
      true,
    );
  });

  it.each([
    ['h264', 'v1_h264_540p_900', 'h264'],
    ['h265_hvc1', 'v1_h264_540p_900', 'h265'],
    ['h264', 'v1_bytevc1_540p_900', 'h265'],
    ['bytevc1', 'v1_bytevc2_540p_900', 'h265'],
    ['h264', 'v1_bytevc2_540p_900', 'bytevc2'],
    [undefined, 'v1hvc1_540p', 'h264'],
    [undefined, undefined, 'h264'],
  ])('reads codec %s and key %s as %s', (codec, key, expected) => {
    expect(readRenditions([file({ codec, key })])[0]?.codec).toBe(expected);
  });

  it.each<[string, Partial<RawFile>, number | null]>([
    ['the item', { bitrate: 5, key: 'v1_h264_540p_900' }, 5],
    ['the key', { bitrate: undefined, key: 'v1_h264_540p_900' }, 900],
    ['the address', { bitrate: 0, urls: ['https://v16.example.com/a?br=2&bt=3'] }, 3072],
    ['nothing', { bitrate: 'x' }, null],
  ])('takes the bitrate from %s', (_, given, bitrate) => {
    expect(readRenditions([file(given)])[0]?.bitrate).toBe(bitrate);
  });

  it('lists the larger picture first, then the higher bitrate', () => {
    const made = (width: number, bitrate: number) =>
      file({ width, height: width * 2, bitrate, urls: [`https://v16.example.com/${width}/${bitrate}`] });
    expect(readRenditions([made(576, 9), made(1080, 8), made(1080, 12)]).map(({ id }) => id)).toEqual([
      'h264_1080p_12',
      'h264_1080p_8',
      'h264_576p_9',
    ]);
  });

  it('lists one of two files of one id, that with sound', () => {
    const silent = file({ silent: true, urls: ['https://v16.example.com/silent'] });
    expect(readRenditions([silent, file()]).map(({ hasAudio }) => hasAudio)).toEqual([true]);
  });
});

describe('chooseRenditions', () => {
  const side = (codec: string, width: number, bitrate: number) =>
    sampleRendition({ id: `${codec}_${width}p_${bitrate}`, codec, width, height: 2 * width, bitrate });
  const mark = sampleRendition({ id: 'watermark', width: 1440, height: 2560, watermark: true });
  const chosen = (renditions: Parameters<typeof chooseRenditions>[0], prefer: 'best' | 'h264' = 'best') => {
    const { hd, standard, watermark } = chooseRenditions(renditions, prefer);
    return [hd?.id, standard?.id, watermark?.id];
  };

  it('takes the largest picture for HD and the best H.264 for standard', () => {
    const all = [side('h264', 576, 900), side('h265', 1080, 500), side('h264', 540, 800), mark];
    expect(chosen(all)).toEqual(['h265_1080p_500', 'h264_576p_900', 'watermark']);
  });

  it('prefers H.264 to a better H.265 of the same size', () => {
    const all = [side('h265', 720, 2000), side('h264', 720, 900)];
    expect(chosen(all)).toEqual(['h264_720p_900', 'h264_720p_900', undefined]);
  });

  it('takes the higher bitrate of two of one size and codec', () => {
    expect(chosen([side('h265', 720, 1), side('h265', 720, 2), side('h264', 576, 9)])[0]).toBe('h265_720p_2');
  });

  it('takes H.264 for both where that is preferred', () => {
    const all = [side('h265', 1080, 500), side('h264', 576, 900)];
    expect(chosen(all, 'h264')).toEqual(['h264_576p_900', 'h264_576p_900', undefined]);
  });

  it.each(['best', 'h264'] as const)('takes the best for both where there is no H.264 (%s)', (prefer) => {
    const all = [side('h265', 576, 1), side('h265', 1080, 500)];
    expect(chosen(all, prefer)).toEqual(['h265_1080p_500', 'h265_1080p_500', undefined]);
  });

  it.each([
    ['without sound', sampleRendition({ hasAudio: false })],
    ['that players do not know', sampleRendition({ playable: false })],
  ])('never takes a file %s', (_, bad) => {
    expect(chosen([bad])).toEqual([undefined, undefined, undefined]);
  });

  it('never takes the watermarked file for a clean one', () => {
    expect(chosen([mark])).toEqual([undefined, undefined, 'watermark']);
  });
});

describe('findRendition', () => {
  const made = (id: string, given: object = {}) => {
    const [, codec = '', side = 0, bitrate = 0] = /^(\w+)_(\d+)p_(\d+)$/.exec(id) ?? [];
    const size = { width: Number(side), height: 2 * Number(side), bitrate: Number(bitrate) };
    return sampleRendition({ id, codec, ...size, ...given });
  };
  const renditions = [
    made('h265_720p_900'),
    made('h264_720p_2000'),
    made('h264_720p_1000', { hasAudio: false }),
    made('h264_576p_1000'),
    sampleRendition({ id: 'watermark', watermark: true }),
  ];

  it.each([
    ['the same id', 'h264_576p_1000', 'h264_576p_1000'],
    ['the watermarked file', 'watermark', 'watermark'],
    ['the nearest bitrate of the same codec and size', 'h264_576p_700', 'h264_576p_1000'],
    ['a file with sound rather than a nearer one without', 'h264_720p_1001', 'h264_720p_2000'],
    ['nothing of another size', 'h264_1080p_1000', undefined],
    ['nothing of another codec', 'bytevc2_720p_900', undefined],
    ['nothing for an unknown id', 'nonsense', undefined],
  ])('finds %s', (_, id, expected) => {
    expect(findRendition(renditions, id)?.id).toBe(expected);
  });

  it('finds nothing in place of a watermarked file', () => {
    expect(findRendition([made('h264_576p_1')], 'watermark')).toBeNull();
  });
});
