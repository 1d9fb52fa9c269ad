import type { Fault } from './faults.ts';
import type { RefusalKind } from './refusals.ts';
import { digest } from './signing.ts';
import type { Source } from './sources.ts';

/** The files that belong to a post. */
export const ASSET_PARTS = [
  'video',
  'download',
  'music',
  'photo',
  'cover',
  'avatar',
  'subtitle',
  /** The watermarked file of the embed page, and of Douyin's `playwm`. */
  'marked',
  /** The clip of a live photo. */
  'live',
  /** The upload itself, which Douyin gives at `ratio=default`. */
  'original',
] as const;
export type AssetPart = (typeof ASSET_PARTS)[number];

interface Rendition {
  codec: 'h264' | 'bytevc1' | 'bytevc2';
  height: number;
  file: string;
  gear: string;
  quality: number;
  silent: boolean;
  /** Douyin's `bit_rate[]` calls it `dash` and not `mp4`. */
  dash: boolean;
}

function gear(
  codec: Rendition['codec'],
  height: number,
  file: string,
  name: string,
  quality: number,
  track: 'muxed' | 'silent' | 'dash' = 'muxed',
): Rendition {
  const silent = track !== 'muxed';
  return { codec, height, file, gear: name, quality, silent, dash: track === 'dash' };
}

/** Encodings of a video, named as yt-dlp's format ids begin. */
export const RENDITIONS = {
  h264_540p: gear('h264', 540, 'h264_540.mp4', 'normal_540_0', 20),
  h264_720p: gear('h264', 720, 'h264_720.mp4', 'normal_720_0', 10),
  h264_1080p: gear('h264', 1080, 'h264_1080.mp4', 'normal_1080_0', 1),
  bytevc1_720p: gear('bytevc1', 720, 'h265_720.mp4', 'adapt_lower_720_1', 14),
  /** Path ends in `/media-video-hvc1/`: no sound in it. */
  bytevc1_1080p: gear('bytevc1', 1080, 'h265_1080_silent.mp4', 'adapt_lowest_1080_1', 2, 'silent'),
  /** ByteDance's own codec, which nothing plays. */
  bytevc2_1080p: gear('bytevc2', 1080, 'bytevc2_1080.mp4', 'adapt_1080_2', 3),
  /** 1080 with sound, as most captured posts have it in H.265 only. */
  bytevc1_1080p_sound: gear('bytevc1', 1080, 'h265_1080.mp4', 'adapt_lowest_1080_1', 2),
  /** Douyin's DASH tracks of long videos: no sound in them. */
  h264_1080p_dash: gear('h264', 1080, 'h264_1080_silent.mp4', 'normal_1080_0', 1, 'dash'),
  bytevc1_1080p_dash: gear('bytevc1', 1080, 'h265_1080_silent.mp4', 'adapt_lowest_1080_1', 2, 'dash'),
};
export type RenditionName = keyof typeof RENDITIONS;

/**
 * Forms of music.playUrl: MP3 in path style, in query style with the cookie, or as a licensed file with
 * its extension; AAC behind an address without an extension, or called `video_mp4`; '' (licensed); null
 * leaves the whole music object out.
 */
export type MusicKind = 'mp3' | 'mp3-query' | 'mp3-licensed' | 'm4a' | 'mp4' | '' | null;

export type PhotoShape =
  | `portrait_${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8}`
  | 'landscape'
  | 'odd'
  | 'tiny'
  | 'rotated'
  | 'cmyk'
  | 'webp'
  | 'heic';

/** Size that the page tells for a shape, and its base file. */
export const PHOTO_SHAPES: Record<string, { file: string; width: number; height: number; type: string }> = {
  ...Object.fromEntries(
    [1, 2, 3, 4, 5, 6, 7, 8].map((n) => [
      `portrait_${n}`,
      { file: `portrait_${n}.jpg`, width: 1080, height: 1440, type: 'jpeg' },
    ]),
  ),
  landscape: { file: 'landscape.jpg', width: 1440, height: 1080, type: 'jpeg' },
  odd: { file: 'odd.jpg', width: 721, height: 1281, type: 'jpeg' },
  tiny: { file: 'tiny.jpg', width: 64, height: 48, type: 'jpeg' },
  rotated: { file: 'rotated.jpg', width: 1080, height: 1440, type: 'jpeg' },
  cmyk: { file: 'cmyk.jpg', width: 480, height: 640, type: 'jpeg' },
  webp: { file: 'portrait.webp', width: 1080, height: 1440, type: 'webp' },
  heic: { file: 'portrait.heic', width: 1080, height: 1440, type: 'heic' },
};

/** What has become of a post, as the lesser sources know it. */
export type Standing = 'public' | 'gone' | 'private' | 'withheld' | 'gated';

/** How the sources answer for the post. */
export type Behaviour =
  | 'page'
  /** A status in place of the item; what the lesser sources show follows from it unless `elsewhere` says it. */
  | { status: number; message: string; elsewhere?: Standing }
  /** An item that is content-classified and has no video. */
  | 'age-gate'
  /** An advertisement or shop post: sound and cover, and no address of a video. */
  | 'ad'
  /** The WAF's challenge first; its right answer opens the page. */
  | 'challenge'
  /** Every source answers in a shape that nobody knows. */
  | 'blind'
  /** The item is there, its renditions are in a shape nobody knows; so from every source. */
  | 'blind-formats'
  /** These sources refuse this post: the two pages by default, `all` for every one. */
  | { refusal: RefusalKind; sources?: readonly Source[] | 'all' }
  /** Every source fails so. */
  | { fault: Fault };

export interface Statistics {
  play: number;
  digg: number;
  comment: number;
  share: number;
  collect: number;
}

export interface StandinPost {
  readonly id: string;
  platform: 'tiktok' | 'douyin';
  kind: 'video' | 'photo';
  user: string;
  nickname: string;
  signature: string;
  desc: string;
  /** Unix seconds. */
  createTime: number;
  stats: Statistics;
  /** 1024x576 instead of portrait; one rendition only. */
  wide: boolean;
  renditions: RenditionName[];
  /** Makes every video file this long, in bytes, with a block of noise that no memory holds. */
  bigBytes: number | null;
  /** An MP4 in place of every clean rendition's, for tests that need a longer one. */
  ownVideo: Buffer | null;
  /** Whether the watermarked file exists; else `downloadAddr` is ''. */
  download: boolean;
  music: MusicKind;
  musicTitle: string;
  musicAuthor: string;
  subtitles: Array<{ language: string; source: string; format: 'webvtt' | 'creator_caption' }>;
  photos: PhotoShape[];
  /** Which photos are live ones, by index. */
  live: number[];
  /**
   * `webapp` demands the page's cookie and a referer; `us` is path-signed and demands nothing. For Douyin `webapp`
   * is the hosts of the captures, and `us` idouyinvod.com and 365yg.com, which public clients know.
   */
  cdn: 'webapp' | 'us';
  /** Seconds that the media links live. */
  mediaLife: number;
  behaviour: Behaviour;
  /** Canonical address. */
  readonly url: string;
}

type PostOptions = Partial<Omit<StandinPost, 'url' | 'kind'>>;

let sequence = 0n;

/** Ids for registered posts begin with 75; those of the generated ones with 74 and 73. */
function nextId(): string {
  sequence += 1n;
  return String(7_500_000_000_000_000_000n + BigInt(process.pid % 10_000) * 1_000_000n + sequence);
}

function urlOf(post: { platform: string; kind: string; id: string; user: string }): string {
  if (post.platform === 'douyin') {
    return `https://www.douyin.com/${post.kind === 'photo' ? 'note' : 'video'}/${post.id}`;
  }
  return `https://www.tiktok.com/@${post.user}/${post.kind}/${post.id}`;
}

function basePost(kind: 'video' | 'photo', options: PostOptions): StandinPost {
  const id = options.id ?? nextId();
  const seed = digest(`post ${id}`);
  const number = (index: number) => seed.readUInt16BE(index * 2);
  const user = options.user ?? `user.${number(0)}`;
  const platform = options.platform ?? 'tiktok';
  return {
    platform,
    kind,
    nickname: `Nick ${number(0)} ✨`,
    signature: 'line one\nline "two"',
    desc: `A post about number ${number(1)} #standin #test${number(2)} @someone_else`,
    createTime: 1_700_000_000 + number(3) * 900,
    stats: {
      play: number(4) * 97,
      digg: number(4) * 9 + 3,
      comment: number(5),
      share: number(6),
      collect: number(7),
    },
    wide: false,
    renditions: [],
    bigBytes: null,
    ownVideo: null,
    download: true,
    music: 'mp3',
    musicTitle: 'original sound',
    musicAuthor: `Nick ${number(0)}`,
    subtitles: [],
    photos: [],
    live: [],
    cdn: 'webapp',
    mediaLife: 24 * 3600,
    behaviour: 'page',
    ...options,
    id,
    user,
    url: urlOf({ platform, kind, id, user }),
  };
}

const ALL_RENDITIONS: RenditionName[] = [
  'h264_540p',
  'h264_720p',
  'h264_1080p',
  'bytevc1_720p',
  'bytevc1_1080p',
  'bytevc2_1080p',
];

/** A long video of Douyin's: one muxed file, and DASH tracks that are bigger and silent. */
export const DASH_RENDITIONS: RenditionName[] = ['h264_720p', 'h264_1080p_dash', 'bytevc1_1080p_dash'];

/** What 25 of 29 captured posts have: H.264 ends at 576 pixels, H.265 goes on. */
export const TYPICAL_RENDITIONS: RenditionName[] = ['h264_540p', 'bytevc1_720p', 'bytevc1_1080p_sound'];

/** A video with every rendition, subtitles, an MP3 and a watermarked file, unless told otherwise. */
export function videoPost(options: PostOptions = {}): StandinPost {
  const subtitles: StandinPost['subtitles'] = [
    { language: 'eng-US', source: 'ASR', format: 'webvtt' },
    { language: 'spa-ES', source: 'MT', format: 'webvtt' },
  ];
  const renditions = options.wide ? (['h264_540p'] as RenditionName[]) : ALL_RENDITIONS;
  return basePost('video', { renditions, subtitles, ...options });
}

/** `count` portrait shapes that repeat after eight. */
export function portraits(count: number): PhotoShape[] {
  return Array.from({ length: count }, (_, index) => `portrait_${(index % 8) + 1}` as PhotoShape);
}

/** A photo post; three portrait photos and an MP3 unless told otherwise. */
export function photoPost(options: Omit<PostOptions, 'photos'> & { photos?: PhotoShape[] | number } = {}) {
  const photos = typeof options.photos === 'object' ? options.photos : portraits(options.photos ?? 3);
  return basePost('photo', { ...options, photos });
}

/** A post that exists only as a status code and its message. */
export function statusPost(status: number, message = '', options: PostOptions = {}): StandinPost {
  return basePost('video', { ...options, behaviour: { status, message } });
}

/**
 * A Douyin post that is filtered for this reason: `status_deleted`, `core_dep`, `status_self_see`, … or, as a
 * number, one that answers with this `status_code` (2053: one claim).
 */
export function filteredPost(reason: string | number, options: PostOptions = {}): StandinPost {
  const [status, message] = typeof reason === 'number' ? [reason, ''] : [0, reason];
  return statusPost(status, message, { ...options, platform: 'douyin' });
}

/** All posts: the registered ones, and the ones that ids alone bring about. */
export class PostRegistry {
  #posts = new Map<string, StandinPost>();

  add(post: StandinPost): StandinPost {
    this.#posts.set(post.id, post);
    return post;
  }

  remove(id: string): void {
    this.#posts.delete(id);
  }

  /**
   * 19 digits beginning with 74 are a video, with 73 a photo post of 1 to 35 photos: always the same ones,
   * in every process and on both platforms. What nobody knows, or only the other platform, is null.
   */
  get(id: string, platform?: StandinPost['platform']): StandinPost | null {
    const registered = this.#posts.get(id);
    if (registered !== undefined) {
      return platform === undefined || platform === registered.platform ? registered : null;
    }
    if (!/^7[34]\d{17}$/.test(id)) return null;
    const given = { id, platform: platform ?? 'tiktok' };
    return id.startsWith('74')
      ? videoPost(given)
      : photoPost({ ...given, photos: Number(BigInt(id) % 35n) + 1 });
  }
}
