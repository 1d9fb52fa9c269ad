/** What a post is, for the whole service. Plain data: it crosses threads and lies in caches as JSON. */
export interface Post {
  ref: PostRef;
  kind: 'video' | 'photo';
  /** The canonical address on TikTok or Douyin. */
  url: string;
  title: string;
  description: string;
  /** Unix seconds. */
  createdAt: number | null;
  cover: string | null;
  durationMs: number;
  author: Author;
  statistics: Statistics;
  /** Best first within a codec; empty for a photo post. */
  renditions: Rendition[];
  /** In the post's order; empty for a video. */
  photos: Photo[];
  subtitles: Subtitle[];
  sound: Sound | null;
  /** `name=value` that the CDN demands with links whose query names that cookie (`tk=name`). */
  cookie: string | null;
  /** Id of the egress (proxy or direct) that fetched the post; its media goes out the same way. */
  egress: string;
  /** Unix milliseconds at which the first of the media links expires; null when none says. */
  mediaExpiresAt: number | null;
  source: SourceName;
  /** Names of the response's fields that this source does not know, such as `statistics.play_count`. */
  partial: string[];
}

export const SOURCE_NAMES = [
  // TikTok: desktop page, player API, mobile page, embed page.
  'page',
  'player',
  'mobile',
  'embed',
  // Douyin: detail API, share page, slidesinfo, app feed.
  'detail',
  'share',
  'slides',
  'feed',
] as const;

/** Where a post comes from: one request, and one shape of the reply. */
export type SourceName = (typeof SOURCE_NAMES)[number];

export type Platform = 'tiktok' | 'douyin';

/** The least that names a post, enough to extract it again. */
export interface PostRef {
  platform: Platform;
  id: string;
  /** The @name where the link had one; TikTok answers without it too. */
  user?: string;
}

export interface Author {
  nickname: string;
  uniqueId: string;
  signature: string;
  avatarThumb: string;
  avatarMedium: string;
  avatarLarger: string;
}

export interface Statistics {
  play: number;
  digg: number;
  comment: number;
  share: number;
  collect: number;
}

/** One encoding of a video. */
export interface Rendition {
  /**
   * Codec, short side and bitrate, such as `h264_1080p_2400000`, or `watermark`; findRendition() finds the same one in
   * a later extraction from any source.
   */
  id: string;
  codec: string;
  width: number | null;
  height: number | null;
  /** Bits a second. */
  bitrate: number | null;
  /** Bytes. */
  size: number | null;
  hasAudio: boolean;
  watermark: boolean;
  /** Whether players know the codec: H.264 and H.265, not ByteDance's bytevc2. */
  playable: boolean;
  /** Mirrors of the same bytes. */
  urls: string[];
}

export interface Photo {
  width: number | null;
  height: number | null;
  urls: string[];
  /** The clip of a live photo. */
  live: LiveClip | null;
}

export interface LiveClip {
  width: number | null;
  height: number | null;
  durationMs: number;
  urls: string[];
}

export interface Subtitle {
  language: string;
  /** TikTok's name of its origin: `ASR` speech recognition, `MT` machine translation, `LC` the creator. */
  source: string;
  urls: string[];
}

/** The track of a post. `urls` may be empty: licensed tracks often have none, then the sound is in the video only. */
export interface Sound {
  title: string;
  author: string;
  album: string;
  durationMs: number;
  cover: string | null;
  urls: string[];
  /** The item says that what the camera recorded is heard beside the track. */
  isMixed?: boolean;
}
