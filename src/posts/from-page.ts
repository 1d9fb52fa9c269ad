import { completePost, type ReadContext } from './complete-post.ts';
import { createdAtOf } from './created-at.ts';
import type { Photo, Post, Sound, Subtitle } from './post.ts';
import {
  asObject,
  asObjects,
  asPositive,
  asString,
  asTimestamp,
  asUrl,
  asUrls,
  type Raw,
  secondsToMs,
} from './raw.ts';
import { type RawFile, readRenditions } from './renditions.ts';
import { readStatistics, unknownFields } from './statistics.ts';

/**
 * A post from TikTok's desktop page (`webapp.video-detail`) or mobile page (`webapp.reflow.video.detail`, or
 * `videoDetail` of the script `api-data`): the page's detail or its itemStruct. Their itemStructs are alike; the mobile
 * one has a single video file.
 */
export function postFromPage(raw: Raw, context: ReadContext): Post {
  const item = itemStruct(raw);
  const video = asObject(item.video);
  const author = asObject(item.author);
  const imagePost = asObject(item.imagePost);
  const id = itemIdOfPage(raw) ?? context.ref.id;
  const photos = readPhotos(imagePost);
  const sound = readSound(item);
  const description = asString(item.desc);
  // statsV2 is exact where stats is rounded (844400).
  const stats = { ...asObject(item.stats), ...asObject(item.statsV2) };
  const { statistics, unknown } = readStatistics({
    play: stats.playCount,
    digg: stats.diggCount,
    comment: stats.commentCount,
    share: stats.shareCount,
    collect: stats.collectCount,
  });
  const uniqueId = asString(author.uniqueId);
  return completePost(
    {
      ref: { platform: 'tiktok', id, user: uniqueId || context.ref.user || '' },
      kind: photos.length > 0 ? 'photo' : 'video',
      title: description || asString(imagePost.title) || `TikTok video #${id}`,
      description,
      createdAt: asTimestamp(item.createTime) ?? createdAtOf(id),
      cover: asUrl(video.cover) ?? asUrl(video.originCover) ?? photos[0]?.urls[0] ?? null,
      durationMs: secondsToMs(video.duration) || (photos.length > 0 ? (sound?.durationMs ?? 0) : 0),
      author: {
        nickname: asString(author.nickname),
        uniqueId,
        signature: asString(author.signature),
        avatarThumb: asUrl(author.avatarThumb) ?? '',
        avatarMedium: asUrl(author.avatarMedium) ?? '',
        avatarLarger: asUrl(author.avatarLarger) ?? '',
      },
      statistics,
      // www.tiktok.com's own play addresses are left out: they mostly refuse (yt-dlp issue 11034).
      renditions: photos.length > 0 ? [] : readRenditions(videoFiles(video)),
      photos,
      subtitles: readSubtitles(video),
      sound,
      partial: [...unknownFields({ 'author.signature': author.signature }), ...unknown],
    },
    context,
  );
}

/** The id that the item says of itself; null where it says none. */
export function itemIdOfPage(raw: Raw): string | null {
  return asString(itemStruct(raw).id) || null;
}

/**
 * Whether an item says that its video has no address, as those of some ads and shop posts do. False where it has any,
 * also in a shape that cannot be read.
 */
export function hasNoVideoAddress(raw: Raw): boolean {
  const { playAddr, bitrateInfo, PlayAddrStruct } = asObject(itemStruct(raw).video);
  const gears = bitrateInfo ?? [];
  return playAddr === '' && Array.isArray(gears) && gears.length === 0 && !PlayAddrStruct;
}

function itemStruct(raw: Raw): Raw {
  const detail = 'videoDetail' in raw ? asObject(raw.videoDetail) : raw;
  return 'itemInfo' in detail ? asObject(asObject(detail.itemInfo).itemStruct) : detail;
}

function videoFiles(video: Raw): RawFile[] {
  const size = { width: video.width, height: video.height };
  const gears = asObjects(video.bitrateInfo).map((gear) => ({
    ...fileAt(asObject(gear.PlayAddr)),
    codec: gear.CodecType,
    bitrate: gear.Bitrate,
    silent: gear.Format === 'dash',
  }));
  const played = { codec: video.codecType, bitrate: video.bitrate };
  return [
    ...gears,
    { ...played, ...fileAt(asObject(video.PlayAddrStruct)) },
    { ...played, ...size, urls: [video.playAddr], size: video.size },
    { ...size, urls: [video.downloadAddr], watermark: true },
  ];
}

function fileAt(address: Raw): RawFile {
  return {
    urls: address.UrlList,
    key: address.UrlKey,
    width: address.Width,
    height: address.Height,
    size: address.DataSize,
  };
}

function readPhotos(imagePost: Raw): Photo[] {
  return asObjects(imagePost.images)
    .map((image) => ({
      width: asPositive(image.imageWidth),
      height: asPositive(image.imageHeight),
      urls: asUrls(asObject(image.imageURL).urlList),
      live: null,
    }))
    .filter((photo) => photo.urls.length > 0);
}

/**
 * One for each language and source, by which a link names it: pages list the same translation by up to six engines
 * (`Version` "4", "4:agent_gpt", …), TikTok's own first.
 */
function readSubtitles(video: Raw): Subtitle[] {
  const found = new Map<string, Subtitle>();
  for (const one of asObjects(video.subtitleInfos)) {
    const url = asUrl(one.Url);
    const language = asString(one.LanguageCodeName);
    const source = asString(one.Source);
    const key = `${language} ${source}`;
    if (!url || found.has(key)) continue;
    found.set(key, { language, source, urls: [url] });
  }
  return [...found.values()];
}

function readSound(item: Raw): Sound | null {
  const music = asObject(item.music);
  const url = asUrl(music.playUrl);
  const title = asString(music.title);
  if (!url && !title) return null;
  return {
    title,
    author: asString(music.authorName),
    album: asString(music.album),
    durationMs: secondsToMs(music.duration),
    cover: asUrl(music.coverLarge) ?? asUrl(music.coverMedium),
    urls: url ? [url] : [],
    isMixed: isMixed(item, music),
  };
}

/** Whether a song lies over what the camera recorded; an original sound is what a camera recorded. */
function isMixed(item: Raw, music: Raw): boolean {
  return music.original === false && asObject(asObject(item.video).claInfo).hasOriginalAudio === true;
}
