import { completePost, type ReadContext } from './complete-post.ts';
import { createdAtOf } from './created-at.ts';
import type { LiveClip, Photo, Post, Sound } from './post.ts';
import { queryParam } from './query-param.ts';
import {
  asCount,
  asObject,
  asObjects,
  asPositive,
  asString,
  asTimestamp,
  asUrls,
  type Raw,
  secondsToMs,
} from './raw.ts';
import { chooseRenditions, isApi, type RawFile, readRenditions } from './renditions.ts';
import { readStatistics } from './statistics.ts';

/** Douyin's API that redirects to a clean H.264 transcode by video id and ratio. */
const PLAY_API = 'https://aweme.snssdk.com/aweme/v1/play/';
/** Its ratios and the short sides of their pictures; those above give the same file as 1080p. */
const PLAY_RATIOS = [
  { ratio: '1080p', side: 1080 },
  { ratio: '720p', side: 720 },
  { ratio: '540p', side: 576 },
] as const;

/** Sources that leave out the clips of live photos. */
const WITHOUT_LIVE: readonly string[] = ['share', 'feed'];

/**
 * A post from Douyin's aweme: of the detail API (`aweme_detail`), the share page (`item_list[0]`), slidesinfo
 * (`aweme_details[0]`) or the app's feed (`aweme_list[]`). Durations of videos are milliseconds, of music seconds.
 */
export function postFromAweme(aweme: Raw, context: ReadContext): Post {
  const video = asObject(aweme.video);
  const author = asObject(aweme.author);
  const photos = readPhotos(aweme);
  const isPhotoPost = photos.length > 0;
  const sound = readSound(asObject(aweme.music), isPhotoPost ? asObject(video.play_addr) : {});
  const id = itemIdOfAweme(aweme) ?? context.ref.id;
  const description = asString(aweme.desc);
  const stats = asObject(aweme.statistics);
  const { statistics, unknown } = readStatistics({
    // Douyin always says 0.
    play: asCount(stats.play_count) || null,
    digg: stats.digg_count,
    comment: stats.comment_count,
    share: stats.share_count,
    collect: stats.collect_count,
  });
  const uniqueId = asString(author.unique_id) || asString(author.short_id);
  return completePost(
    {
      ref: { platform: 'douyin', id, user: uniqueId || asString(author.uid) },
      kind: isPhotoPost ? 'photo' : 'video',
      title: description || `Douyin video #${id}`,
      description,
      createdAt: asTimestamp(aweme.create_time) ?? createdAtOf(id),
      cover: firstUrl(video.cover) ?? firstUrl(video.origin_cover) ?? photos[0]?.urls[0] ?? null,
      durationMs: asCount(video.duration) || (isPhotoPost ? (sound?.durationMs ?? 0) : 0),
      author: {
        nickname: asString(author.nickname),
        uniqueId,
        signature: asString(author.signature),
        avatarThumb: firstUrl(author.avatar_thumb) ?? '',
        avatarMedium: firstUrl(author.avatar_medium) ?? firstUrl(author.avatar_thumb) ?? '',
        avatarLarger: firstUrl(author.avatar_larger) ?? firstUrl(author.avatar_thumb) ?? '',
      },
      statistics,
      renditions: isPhotoPost ? [] : readVideo(video),
      photos,
      subtitles: [],
      sound,
      partial: [
        ...(sound && sound.urls.length === 0 && context.source === 'share' ? ['audio'] : []),
        ...unknown,
        ...(isPhotoPost && WITHOUT_LIVE.includes(context.source) ? ['photos.live'] : []),
      ],
    },
    context,
  );
}

/** The id that the item says of itself; null where it says none. */
export function itemIdOfAweme(aweme: Raw): string | null {
  return asString(aweme.aweme_id) || null;
}

function readVideo(video: Raw) {
  const read = readRenditions(videoFiles(video));
  return read.some((one) => one.playable && one.hasAudio && !one.watermark)
    ? read
    : [...read, ...readRenditions(builtFiles(video))];
}

function videoFiles(video: Raw): RawFile[] {
  const gears = asObjects(video.bit_rate).map((gear) => ({
    ...fileAt(gear.play_addr, video),
    codec: codecOf(gear),
    bitrate: gear.bit_rate,
    silent: gear.format === 'dash',
  }));
  return [
    ...gears,
    fileAt(video.play_addr_h264, video),
    { ...fileAt(video.play_addr_265, video), codec: 'h265' },
    { ...fileAt(video.play_addr, video), codec: codecOf(video) },
    { ...fileAt(video.download_addr, video), watermark: true },
  ];
}

/** Addresses without a key have a placeholder (720x720) for the size of their picture. */
function fileAt(value: unknown, video: Raw): RawFile {
  const address = asObject(value);
  const { width, height } = asString(address.url_key) ? address : video;
  return {
    urls: asUrls(address.url_list).filter((url) => !isWithheld(url)),
    key: address.url_key,
    width,
    height,
    size: address.data_size,
  };
}

/** Watermarked transcodes, and the upload itself, which is large, not made for streaming and QuickTime at times. */
function isWithheld(url: string): boolean {
  return url.includes('/aweme/v1/playwm/') || (isApi(url) && queryParam(url, 'ratio') === 'default');
}

/** Files of the play API, for items that have nothing else: one for each ratio up to the size of the video. */
function builtFiles(video: Raw): RawFile[] {
  const videoId = videoIdOf(asObject(video.play_addr));
  if (videoId === null) return [];
  const width = asPositive(video.width) ?? 0;
  const height = asPositive(video.height) ?? 0;
  const own = Math.min(width, height) || Number.POSITIVE_INFINITY;
  const fitting = PLAY_RATIOS.filter(({ side }) => side <= own);
  return (fitting.length > 0 ? fitting : PLAY_RATIOS.slice(-1)).map(({ ratio, side }) => ({
    urls: [`${PLAY_API}?video_id=${videoId}&ratio=${ratio}&line=0`],
    ...scaledTo(Math.min(side, own), width, height),
  }));
}

/** Null for a photo post, where the address of its sound stands in place of the id. */
function videoIdOf(address: Raw): string | null {
  const named = asUrls(address.url_list).map((url) => queryParam(url, 'video_id'));
  return [asString(address.uri), ...named].find((id) => id && /^[\w-]+$/.test(id)) ?? null;
}

function scaledTo(side: number, width: number, height: number) {
  const shorter = Math.min(width, height);
  if (shorter === 0) return { width: null, height: side };
  const even = (pixels: number) => 2 * Math.round((pixels * side) / shorter / 2);
  return { width: even(width), height: even(height) };
}

/** 2 stands for bytevc2 in both fields. */
function codecOf({ is_bytevc1, is_h265 }: Raw): string {
  const flag = asCount(is_bytevc1) || asCount(is_h265);
  return ['h264', 'bytevc1', 'bytevc2'][flag] ?? '';
}

/** `download_url_list` carries the author's name, `url_list` is clean. */
function readPhotos(aweme: Raw): Photo[] {
  return asObjects(aweme.images)
    .map((image) => ({
      width: asPositive(image.width),
      height: asPositive(image.height),
      urls: asUrls(image.url_list),
      live: readLiveClip(asObject(image.video)),
    }))
    .filter((photo) => photo.urls.length > 0);
}

/** A picture is a live photo where its clip has an address, whatever `live_photo_type` says. */
function readLiveClip(video: Raw): LiveClip | null {
  const clip = chooseRenditions(readVideo(video), 'h264').standard;
  if (!clip) return null;
  const { width, height, urls } = clip;
  return { width, height, durationMs: asCount(video.duration), urls };
}

function readSound(music: Raw, photoPostVideo: Raw): Sound | null {
  const own = asUrls(asObject(music.play_url).url_list);
  const urls = own.length > 0 ? own : asUrls([photoPostVideo.uri]);
  const title = asString(music.title);
  if (urls.length === 0 && !title) return null;
  return {
    title,
    author: asString(music.author),
    album: asString(music.album),
    durationMs: secondsToMs(music.duration),
    cover: firstUrl(music.cover_large),
    urls,
  };
}

function firstUrl(picture: unknown): string | null {
  return asUrls(asObject(picture).url_list)[0] ?? null;
}
