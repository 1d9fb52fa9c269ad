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
  /** Id of the egress (proxy or direct) that fetched the page; its media goes out the same way. */
  egress: string;
  /** Unix milliseconds at which the first of the media links dies; null when none says. */
  mediaExpiresAt: number | null;
}

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
  /** yt-dlp's format id, such as `h264_1080p_2400000`; names the same rendition in a later extraction. */
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
  /** False for codecs that no player knows (ByteDance's bytevc2). */
  playable: boolean;
  /** Mirrors of the same bytes. */
  urls: string[];
}

export interface Photo {
  width: number | null;
  height: number | null;
  urls: string[];
}

export interface Subtitle {
  language: string;
  /** Who wrote it: `ASR` speech recognition, `MT` translated by a machine, … as TikTok names it. */
  source: string;
  urls: string[];
}

/** The track of a post. `urls` may be empty: licensed tracks often have none, then it is inside the video. */
export interface Sound {
  title: string;
  author: string;
  album: string;
  durationMs: number;
  cover: string | null;
  urls: string[];
}
