import { completePost } from './complete-post.ts';
import type { Author, Photo, Post, PostRef, Sound, Statistics, Subtitle } from './post.ts';
import {
  asCount,
  asObject,
  asObjects,
  asPositive,
  asString,
  asTimestamp,
  asUrl,
  asUrls,
  secondsToMs,
} from './raw.ts';
import { readRenditions } from './renditions.ts';
import type { Extracted, Raw } from './ytdlp.ts';

/** A post out of what yt-dlp read from TikTok's page. The raw item leads; yt-dlp's reading fills its gaps. */
export function postFromTikTok(extracted: Extracted, asked: PostRef, egress: string): Post {
  const { info, item } = extracted;
  const video = asObject(item.video);
  const photos = readPhotos(asObject(item.imagePost));
  const sound = readSound(extracted);
  const author = readAuthor(extracted);
  const id = asString(item.id) || asString(info.id) || asked.id;
  const description = asString(item.desc) || asString(info.description);
  return completePost({
    ref: { platform: 'tiktok', id, user: author.uniqueId || asked.user || '' },
    kind: photos.length > 0 ? 'photo' : 'video',
    title: description || asString(asObject(item.imagePost).title) || `TikTok video #${id}`,
    description,
    createdAt: asTimestamp(item.createTime) ?? asTimestamp(info.timestamp),
    cover:
      asUrl(video.cover) ??
      asUrl(video.originCover) ??
      photos[0]?.urls[0] ??
      asUrl(info.thumbnails?.[0]?.url),
    durationMs:
      secondsToMs(video.duration) ||
      (photos.length > 0 ? (sound?.durationMs ?? 0) : secondsToMs(info.duration)),
    author,
    statistics: readStatistics(extracted),
    renditions: photos.length > 0 ? [] : readRenditions(info.formats ?? [], item),
    photos,
    subtitles: readSubtitles(video),
    sound,
    cookies: extracted.cookies,
    egress,
  });
}

function readAuthor({ info, item }: Extracted): Author {
  const author = asObject(item.author);
  return {
    nickname: asString(author.nickname) || asString(info.channel),
    uniqueId: asString(author.uniqueId) || asString(info.uploader),
    signature: asString(author.signature),
    avatarThumb: asUrl(author.avatarThumb) ?? '',
    avatarMedium: asUrl(author.avatarMedium) ?? '',
    avatarLarger: asUrl(author.avatarLarger) ?? '',
  };
}

function readStatistics({ info, item }: Extracted): Statistics {
  // Where both are there, statsV2 is exact and stats is rounded for the eye (844400).
  const stats = { ...asObject(item.stats), ...asObject(item.statsV2) };
  return {
    play: asCount(stats.playCount ?? info.view_count),
    digg: asCount(stats.diggCount ?? info.like_count),
    comment: asCount(stats.commentCount ?? info.comment_count),
    share: asCount(stats.shareCount ?? info.repost_count),
    collect: asCount(stats.collectCount ?? info.save_count),
  };
}

function readPhotos(imagePost: Raw): Photo[] {
  return asObjects(imagePost.images)
    .map((image) => ({
      width: asPositive(image.imageWidth),
      height: asPositive(image.imageHeight),
      urls: asUrls(asObject(image.imageURL).urlList),
    }))
    .filter((photo) => photo.urls.length > 0);
}

/**
 * One for each language and source: pages list the same translation by up to six engines (`Version` "4",
 * "4:agent_gpt", …), TikTok's own first, and a link names a subtitle by these two.
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

function readSound({ info, item }: Extracted): Sound | null {
  const music = asObject(item.music);
  const url = asUrl(music.playUrl) ?? asUrl(info.formats?.find((format) => format.vcodec === 'none')?.url);
  const title = asString(music.title) || asString(info.track);
  if (!url && !title) return null;
  return {
    title,
    author: asString(music.authorName) || (info.artists ?? []).join(', '),
    album: asString(music.album) || asString(info.album),
    durationMs: secondsToMs(music.duration),
    cover: asUrl(music.coverLarge) ?? asUrl(music.coverMedium),
    urls: url ? [url] : [],
  };
}
