import type { ErrorCode, ServiceError } from '../errors.ts';
import type { Post } from '../posts/post.ts';
import type { PostResponse } from '../posts/response.ts';

export interface TikwmRequest {
  /** Whether `hdplay` is wanted as well. */
  hd: boolean;
  /** Whether links are wanted without the address of the service, as the service's own page gets them. */
  web: boolean;
}

/** The link that a client sends: also as an id alone, or encoded twice. */
export function readTikwmUrl(url: string): string {
  if (/^\d{15,20}$/.test(url)) return `https://www.tiktok.com/@/video/${url}`;
  return /^https?%3A%2F%2F/i.test(url) ? (new URLSearchParams(`url=${url}`).get('url') ?? '') : url;
}

/**
 * The `data` of tikwm's answer. Its clients tell photos from a video by `images`, and by a `duration` and `size` of 0;
 * `play` is then the music. What is not known is 0 or empty.
 * @param base start of the links in the response
 */
export function toTikwm(post: Post, response: PostResponse, { hd, web }: TikwmRequest, base: string) {
  const link = (full: string | undefined) =>
    web && full?.startsWith(base) ? full.slice(base.length) : (full ?? '');
  const { play, hdplay, wmplay, images } = filesOf(response);
  const sizeOf = (one: string | undefined) =>
    response.status === 'tunnel' ? (response.formats.find((file) => file.link === one)?.size ?? 0) : 0;
  const { mp3 } = response.download_link;
  const cover = link(response.images?.cover);
  const seconds = (ms: number) => Math.round(ms / 1000);
  const counts = response.statistics;
  return {
    id: response.id,
    region: '',
    title: response.title,
    cover,
    origin_cover: cover,
    duration: images ? 0 : seconds(response.duration),
    play: link(play),
    wmplay: link(wmplay),
    ...(hd && { hdplay: link(hdplay) }),
    size: sizeOf(play),
    wm_size: sizeOf(wmplay),
    ...(hd && { hd_size: sizeOf(hdplay) }),
    music: link(mp3),
    music_info: {
      id: '',
      title: post.sound?.title ?? '',
      play: mp3 ?? '',
      cover: post.sound?.cover ?? '',
      author: response.artist,
      original: false,
      duration: seconds(response.music_duration),
      album: post.sound?.album ?? '',
    },
    play_count: counts.play_count,
    digg_count: counts.digg_count,
    comment_count: counts.comment_count,
    share_count: counts.share_count,
    download_count: 0,
    collect_count: counts.collect_count,
    create_time: post.createdAt ?? 0,
    author: {
      id: '',
      unique_id: response.author.uniqueId,
      nickname: response.author.nickname,
      avatar: link(response.images?.avatar),
    },
    ...(images && { images }),
  };
}

function filesOf(response: PostResponse) {
  if (response.status === 'picker') {
    const { mp3, no_watermark: images } = response.download_link;
    return { play: mp3, hdplay: mp3, wmplay: mp3, images };
  }
  const { no_watermark, no_watermark_hd, watermark } = response.download_link;
  return { play: no_watermark ?? watermark, hdplay: no_watermark_hd ?? watermark, wmplay: watermark };
}

/** How the messages begin that its clients look for. */
const BEGINNINGS: Partial<Record<ErrorCode, string>> = {
  rate_limited: 'Free Api Limit',
  unsupported_url: 'Url parsing is failed!',
  post_not_found: 'Url parsing is failed!',
  invalid_request: 'Url parsing is failed!',
};

export function tikwmError({ code, message }: ServiceError) {
  const beginning = BEGINNINGS[code];
  return { code: -1, msg: beginning ? `${beginning} ${message}` : message };
}
